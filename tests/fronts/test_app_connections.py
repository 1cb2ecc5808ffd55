"""What a front proxy does with its connections to an app that signs a user in to the connection (NTLM, Negotiate).

None of the recipes keeps them from one request to the next.
"""

import pytest

from tests.field.ntlm import NtlmApp, third
from tests.fronts.deployment import FrontDeployment, cookie_line
from tests.fronts.recipes import RECIPES
from tests.fronts.wording import FETCH, status
from tests.harness.person import ALICE, BOB


@pytest.mark.parametrize("front", RECIPES, indirect=True, ids=lambda recipe: recipe.name)
async def test_y3_nobody_gets_the_connection_on_which_another_signed_in(site: FrontDeployment) -> None:
    alice, bob = cookie_line(await site.entered(ALICE)), cookie_line(await site.entered(BOB))
    app = site.app.script = NtlmApp()
    for _ in range(20):
        answer = await site.raw("GET /windows", FETCH + alice + b"Authorization: NTLM " + third("alice") + b"\r\n")
        assert answer.endswith(b"alice " + ALICE.encode())
        for fields, told in ((bob, BOB), (alice, ALICE)):
            answer = await site.raw("GET /page", FETCH + fields)
            assert (status(answer), answer.rpartition(b"\r\n")[2]) == (200, b"nobody " + told.encode())
    assert app.handshakes == 20
