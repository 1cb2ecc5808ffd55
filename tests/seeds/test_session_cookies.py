"""Session cookies: which one an engine uses, what `/sessions/me` says of them, how long they live. Seeds 0 and 2."""

import pytest

from gateway.dev.standin import Engine, fingerprint
from tests.harness.person import ALICE, BOB, HR, LOGIN
from tests.harness.system import ME, REDIRECT, system
from tests.seeds.engines import EACH_ENGINE, ON_IDENTITY

FACTS = {"id", "userId", "login", "createdAt", "expiresAt", "status", "lastPasswordVerification", "lastFactorVerification", "amr", "_links"}


@EACH_ENGINE
async def test_s1_a_cookie_of_the_login_host_opens_org_and_app_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        alice = await place.entered(ALICE)
        assert ALICE in (await alice.go(f"{LOGIN}/app/UserHome")).body
        assert (await alice.go(f"{HR}/")).body == f"hello {ALICE}"
        names = {"sid", "idx"} if engine == "identity" else {"sid"}
        assert names <= {name for name, _ in alice.cookies("login.example.com")}
        assert not {"sid", "idx"} & {name for name, _ in alice.cookies("hr.example.com")}, "host-only, and never at the app"


@ON_IDENTITY
async def test_s2_idx_alone_is_the_session_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        alice = await place.entered(ALICE)
        del alice.jar["login.example.com", False, "sid"]
        assert (await alice.script(f"{LOGIN}{ME}")).status == 200
        assert (await alice.go(f"{HR}/")).body == f"hello {ALICE}"


@EACH_ENGINE
async def test_s3_me_gives_the_session_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        alice = await place.entered(ALICE)
        reply = await alice.script(f"{LOGIN}{ME}")
        found = reply.json
        assert found["login"] == ALICE and set(found) >= FACTS
        assert ("idp" in found) == (engine == "classic"), "Identity Engine tells no idp"


@EACH_ENGINE
async def test_s4_me_tells_whether_somebody_is_signed_in_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        nobody = place.person()
        reply = await nobody.script(f"{LOGIN}{ME}")
        assert (reply.status, reply.json["errorCode"]) == (404, "E0000007")
        alice = await place.entered(ALICE)
        place.session(ALICE).status = "MFA_REQUIRED"
        place.later(11)
        assert await alice.named_by_app() is None
        place.session(ALICE).status = "ACTIVE"
        place.later(11)
        place.fails(ME, status=429, times=None, headers={"X-Rate-Limit-Reset": str(int(place.org.clock.now()) + 20)})
        assert await alice.named_by_app() is None
        reply = await alice.ask(f"{HR}/")
        assert reply.status == 503 and int(reply.values("Retry-After")[0]) > 0, "unknown is never signed out"


@ON_IDENTITY
async def test_s12_after_a_404_the_half_that_lives_is_ended_too_by_raw_http(engine: Engine) -> None:
    async with system(engine, quirks=["delete-404-leaves-sid"]) as place:
        person = await place.entered(ALICE)
        place.org.journal.clear()
        token = place.org.session_token(BOB)
        assert (await person.go(f"{LOGIN}{REDIRECT}?token={token}&redirectUrl={HR}/")).body == f"hello {BOB}"
        rows = [row for row in place.org.journal.rows if row.path == ME or row.token == fingerprint(token)]
        deletes = [row.status for row in rows if row.method == "DELETE"]
        assert (deletes[:2] == [404, 204] and rows[-1].path != ME) or rows[-1].method == "GET"
        assert place.live() == [BOB]


@ON_IDENTITY
async def test_s13_sid_alone_is_given_an_idx_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        alice = await place.entered(ALICE)
        del alice.jar["login.example.com", False, "idx"]
        reply = await alice.script(f"{LOGIN}{ME}")
        assert reply.status == 200 and any(line.startswith("idx=") for line in reply.set_cookies)
        assert (await alice.go(f"{HR}/")).body == f"hello {ALICE}"


@ON_IDENTITY
async def test_s14_a_token_over_a_living_idx_waits_for_its_proven_end_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        person = await place.entered(ALICE)
        del person.jar["login.example.com", False, "sid"]
        place.org.journal.clear()
        token = place.org.session_token(BOB)
        assert (await person.go(f"{LOGIN}{REDIRECT}?token={token}&redirectUrl={HR}/")).body == f"hello {BOB}"
        steps = [(row.method, row.status) for row in place.org.journal.rows if row.path == ME]
        [redeemed] = place.sent(token)
        assert ("DELETE", 204) in steps and ("GET", 404) in steps and not redeemed.cookies.keys() & {"sid", "idx"}
        gone = [row.n for row in place.org.journal.rows if (row.path, row.method, row.status) == (ME, "GET", 404)]
        assert min(gone) < redeemed.n


@EACH_ENGINE
async def test_s15_me_ends_both_cookies_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        alice = await place.entered(ALICE)
        session = place.session(ALICE)
        assert (await alice.script(f"{LOGIN}{ME}/lifecycle/refresh", "POST", "{}")).status == 200
        reply = await alice.ask(
            f"{LOGIN}{ME}/lifecycle/refresh", "POST", body="{}", content_type="application/json", fields={"Prefer": "return=minimal"}
        )
        assert (reply.status, reply.values("Preference-Applied")) == (204, ["return=minimal"])
        reply = await alice.script(f"{LOGIN}{ME}", "DELETE")
        assert reply.status == 204 and session.is_over
        assert not {"sid", "idx"} & {name for name, _ in alice.cookies("login.example.com")}


@EACH_ENGINE
@pytest.mark.parametrize("limit", ["idle", "longest"])
async def test_s22_a_session_ends_when_the_administrator_says_by_raw_http(engine: Engine, limit: str) -> None:
    async with system(engine) as place:
        store = place.org.sessions
        store.lifetime_seconds, store.max_lifetime_seconds = (600.0, None) if limit == "idle" else (7200.0, 900.0)
        alice = await place.entered(ALICE)
        assert await alice.named_by_app() == ALICE
        place.later(601 if limit == "idle" else 901)
        assert await alice.named_by_app() is None
        assert "login.htm" in (await alice.go(f"{HR}/")).url


@EACH_ENGINE
async def test_s23_cookies_end_with_the_browser_and_with_the_sign_out_by_raw_http(engine: Engine) -> None:
    async with system(engine) as place:
        person = place.person()
        reply = await person.ask(f"{LOGIN}{REDIRECT}?token={place.org.session_token(ALICE)}&redirectUrl={HR}/")
        lines = [line for line in reply.set_cookies if line.startswith(("sid=1", "idx=e"))]
        assert lines and not any("Max-Age" in line or "Expires" in line for line in lines), "session cookies of the browser"
        assert (await person.go(f"{HR}/")).body == f"hello {ALICE}"
        place.org.uses_persistent_cookies = True
        kept = place.person()
        kept.agent = "Mozilla/5.0 (X11; Linux x86_64) kept/1"
        reply = await kept.ask(f"{LOGIN}{REDIRECT}?token={place.org.session_token(BOB)}&redirectUrl={HR}/")
        assert any(line.startswith(("sid=1", "idx=e")) and "Max-Age" in line for line in reply.set_cookies), "kept, where the org keeps it"
        assert (await person.ask(f"{LOGIN}/login/signout", site="same-origin")).status == 302
        assert await person.named_by_app() is None
