"""Row X7: after a switch that the user confirmed, a page leads the browser to the target, whatever site Okta redirects to."""

import pytest

from gateway.dev.standin import Engine
from tests.harness.person import ALICE, BOB, LOGIN
from tests.harness.system import quoted, system

EMBED = "/home/acme_payroll/0oaPayroll/aln1"
ELSEWHERE = "https://payroll.example.org/sso?to=%2F&x=1"


@pytest.mark.parametrize("engine", ["classic", "identity"])
async def test_x7_a_confirmed_switch_that_ends_at_another_origin_leads_on_by_a_page(engine: Engine) -> None:
    async with system(engine) as place:
        place.org.app_links.lead_elsewhere(EMBED, ELSEWHERE)
        person = await place.entered(ALICE)
        token = place.org.session_token(BOB)
        asked = await person.ask(f"{LOGIN}{EMBED}?sessionToken={token}", site="cross-site")
        assert asked.status == 200 and ALICE in asked.body
        body = f"request={quoted(asked.sealed)}"
        reply = await person.ask(f"{LOGIN}/.gateway/switch", "POST", site="same-origin", body=body)
        assert (reply.status, reply.location) == (200, "")
        assert reply.leads_to == ELSEWHERE
        assert 'href="https://payroll.example.org/sso?to=%2F&amp;x=1"' in reply.body, "a link, where the browser does not refresh"
        [policy] = reply.values("Content-Security-Policy")
        assert "script-src" not in policy or "unsafe" not in policy
        assert reply.values("Referrer-Policy") == ["same-origin"], "the other origin is told nothing"
        assert token not in reply.body
        assert place.live() == [BOB] and person.cookie("sid") == place.session(BOB).sid


async def test_x7_pushed_parameters_lead_on_by_a_page_too() -> None:
    async with system() as place:
        person = await place.entered(ALICE)
        back = "https://rp.example.com/callback"
        place.org.trusted_origins.add("https://rp.example.com")
        pushed = await place.person().ask(
            f"{LOGIN}/oauth2/v1/par",
            "POST",
            fields={"Accept": "application/json"},
            site="",
            body=f"client_id=c&response_type=code&scope=openid&redirect_uri={quoted(back)}&sessionToken={place.org.session_token(BOB)}",
        )
        assert pushed.status == 201, pushed
        reference = pushed.body.partition('"request_uri": "')[2].partition('"')[0]
        asked = await person.ask(f"{LOGIN}/oauth2/v1/authorize?client_id=c&request_uri={quoted(reference)}", site="cross-site")
        assert asked.status == 200 and ALICE in asked.body, asked
        reply = await person.ask(f"{LOGIN}/.gateway/switch", "POST", site="same-origin", body=f"request={quoted(asked.sealed)}")
        assert reply.status == 200 and reply.leads_to.startswith(f"{back}?code="), reply
        assert place.live() == [BOB]


async def test_x7_an_address_of_another_scheme_is_no_place_to_lead_to() -> None:
    """Okta names http and https addresses; a page that refreshed to ``javascript:`` would run in our origin."""
    async with system() as place:
        person = await place.entered(ALICE)
        place.fails(EMBED, status=302, headers={"Location": "javascript:alert(1)"})
        asked = await person.ask(f"{LOGIN}{EMBED}?sessionToken={place.org.session_token(BOB)}", site="cross-site")
        reply = await person.ask(f"{LOGIN}/.gateway/switch", "POST", site="same-origin", body=f"request={quoted(asked.sealed)}")
        assert "javascript:" not in reply.body
