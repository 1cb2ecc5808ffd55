"""`check --online` for an org that is not behind the gateway: it says what the org cannot do, and with a test user that it works."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gateway.commands.online_oidc import TestUser, ask_oidc, user_of
from gateway.config import Settings, read
from gateway.dev.standin import Client, Fault, Org, serve
from gateway.errors import BadConfig
from tests.harness.configuration import SEALED

GATE, SECRET = "https://gate.example.com", "secret-of-the-client"
USER = TestUser("alice@example.com", "correct-horse")


class CheckedOrg:
    """An org, and the settings of a gateway beside it."""

    def __init__(self, org: Org, settings: Settings) -> None:
        self.org = org
        self.settings = settings

    async def problems(self, user: TestUser | None = USER) -> str:
        return "\n".join(await ask_oidc(self.settings, user))


@pytest.fixture(params=["classic", "identity"])
async def checked(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CheckedOrg]:
    """Everything as it should be."""
    async with AsyncExitStack() as opened:
        client = Client("0oaGateway", (f"{GATE}/.gateway/oidc",), SECRET)
        org = Org(engine=request.param, trusted_origins=[GATE], clients=[client])
        running = await serve(org, "127.0.0.1", 0)
        opened.push_async_callback(running.aclose)
        (tmp_path / "client.secret").write_text(SECRET)
        text = f"""
[okta]
org = "{running.url}"
[login]
url = "{GATE}"
[session]
source = "oidc"
[oidc]
client_id = "0oaGateway"
client_secret_file = "client.secret"
"""
        yield CheckedOrg(org, read(str(tmp_path / "gateway.toml"), text, SEALED))


async def test_all_is_well_and_nobody_stays_signed_in(checked: CheckedOrg) -> None:
    assert await checked.problems() == ""
    assert await checked.problems(None) == ""
    assert checked.org.sessions.active() == []


async def test_a_client_that_the_org_does_not_know_is_named_with_what_to_register(checked: CheckedOrg) -> None:
    checked.org.clients.register(Client("0oaGateway", ("https://elsewhere.example.com/",), SECRET))
    assert "as a sign-in redirect URI" in await checked.problems()


async def test_a_wrong_secret_is_found_without_any_user(checked: CheckedOrg) -> None:
    checked.org.clients.register(Client("0oaGateway", (f"{GATE}/.gateway/oidc",), "another secret"))
    assert "token_invalid_client" in await checked.problems(None)


async def test_a_sign_out_that_does_not_lead_back_needs_a_trusted_origin(checked: CheckedOrg) -> None:
    checked.org.trusted_origins.clear()
    assert f"add {GATE} as a Trusted Origin" in await checked.problems(None)


async def test_a_policy_that_prompts_again_makes_the_proof_worth_nothing(checked: CheckedOrg) -> None:
    location = f"{GATE}/.gateway/oidc?error=login_required"
    checked.org.faults.add(Fault("/oauth2/v1/authorize", "GET", 302, skip=1, headers={"Location": location}))
    assert "login_required proves nothing" in await checked.problems()
    assert checked.org.sessions.active() == []


async def test_a_sign_out_that_ends_nothing_is_found(checked: CheckedOrg) -> None:
    back = f"{GATE}/.gateway/front-switch"
    checked.org.faults.add(Fault("/login/signout", "GET", 302, times=2, headers={"Location": back}))
    assert "a switch would stop" in await checked.problems()
    assert checked.org.sessions.active() == []


async def test_a_user_who_is_not_assigned_or_needs_more_is_told(checked: CheckedOrg) -> None:
    assert "password was answered with 401" in await checked.problems(TestUser(USER.login, "wrong"))
    only = frozenset({"bob@example.com"})
    checked.org.clients.register(Client("0oaGateway", (f"{GATE}/.gateway/oidc",), SECRET, only_for=only))
    assert "access_denied" in await checked.problems()


async def test_an_org_that_is_none_is_told(checked: CheckedOrg) -> None:
    checked.org.faults.add(Fault("/.well-known/openid-configuration", "GET", 404, times=None))
    assert "check okta.org and oidc.issuer" in await checked.problems()


@pytest.mark.parametrize("text", ["", "one", "one\ntwo\nthree"])
def test_a_file_without_a_user_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "user"
    with pytest.raises(BadConfig):
        user_of(file)
    file.write_text(text)
    with pytest.raises(BadConfig, match="lines"):
        user_of(file)
    file.write_text(" alice@example.com \n\ncorrect-horse\n")
    assert user_of(file) == USER
