"""The audit in the log: one line for each sign-in, each step of a switch, each sign-out and each revocation, without secrets."""

import json

import pytest

from gateway.dev.standin import Engine
from tests.field.sign_ins_without_token import by_form
from tests.harness.person import ALICE, BOB, HR, LOGIN, redemption
from tests.harness.system import ME, System, system

ENGINES = ["classic", "identity"]
AUDIT = ("signed_in", "switched", "signed_out", "revoked")


def audit(place: System, *events: str) -> list[dict[str, object]]:
    """The lines of these events since the last look, without what differs from run to run."""
    lines = [json.loads(line) for line in place.written.getvalue().splitlines()]
    place.written.seek(0)
    place.written.truncate()
    left_out = ("at", "level", "event", "client", "fingerprint", "cookies")
    found = [line for line in lines if line["event"] in (events or AUDIT)]
    assert all(line["level"] == "info" and "withheld" not in line for line in found)
    return [{name: value for name, value in line.items() if name not in left_out} for line in found]


def user(place: System, login: str) -> str:
    return place.org.known_user(login).id


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_sign_in_and_a_trusted_switch_are_told_step_by_step(engine: Engine) -> None:
    async with system(engine) as place:
        alice, bob = user(place, ALICE), user(place, BOB)
        person = await place.entered(ALICE)
        assert audit(place, "signed_in", "switched") == [{"user": alice, "by": "token"}]
        await place.enter(person, BOB)
        assert audit(place, "signed_in", "switched") == [
            {"step": "closed", "before": alice, "by": "trusted"},
            {"step": "redeemed", "before": alice, "user": bob, "by": "trusted"},
        ]


async def test_a_confirmed_switch_says_who_asked_for_it_and_that_it_was_confirmed() -> None:
    async with system() as place:
        alice, bob = user(place, ALICE), user(place, BOB)
        person = await place.entered(ALICE)
        audit(place)
        question = await person.go(redemption(place.org.session_token(BOB)), site="cross-site")
        assert audit(place, "switched") == [{"step": "asked", "before": alice, "by": "untrusted"}]
        await person.confirm(question)
        assert audit(place, "switched") == [
            {"step": "closed", "before": alice, "by": "confirmed"},
            {"step": "redeemed", "before": alice, "user": bob, "by": "confirmed"},
        ]


async def test_a_switch_that_is_refused_is_told_with_its_reason() -> None:
    async with system() as place:
        alice = user(place, ALICE)
        person = await place.entered(ALICE)
        audit(place)
        place.fails(ME, method="DELETE", status=500)
        await place.enter(person, BOB)
        (line,) = audit(place, "switched")
        assert (line["step"], line["before"], bool(line["reason"])) == ("refused", alice, True)


async def test_another_user_without_a_token_is_a_switch_too() -> None:
    async with system() as place:
        alice, bob = user(place, ALICE), user(place, BOB)
        person = await place.entered(ALICE)
        audit(place)
        await by_form(place, person, BOB)
        assert audit(place, "switched", "signed_in") == [{"step": "delivered", "before": alice, "user": bob, "by": "without_token"}]


async def test_a_first_sign_in_by_a_form_is_a_sign_in() -> None:
    """Okta was not asked who it is: the fingerprint names the session until somebody needs to know."""
    async with system() as place:
        person = place.person()
        await by_form(place, person, ALICE)
        (line,) = [json.loads(line) for line in place.written.getvalue().splitlines() if '"signed_in"' in line]
        assert (line["by"], len(line["fingerprint"])) == ("okta", 12)
        assert (await person.go(f"{HR}/")).status == 200
        assert line["fingerprint"] in place.written.getvalue().partition("signed_in")[2].partition("\n")[2]


@pytest.mark.parametrize(("origin", "by"), [(HR, "gateway"), (LOGIN, "gateway"), ("okta", "okta")])
async def test_a_sign_out_and_its_revocation_are_told(origin: str, by: str) -> None:
    async with system() as place:
        alice = user(place, ALICE)
        person = await place.entered(ALICE)
        audit(place)
        if origin == "okta":
            await person.script(f"{LOGIN}{ME}", "DELETE")
        else:
            await person.ask(f"{origin}/.gateway/sign-out", "POST", site="same-origin", fields={"Origin": origin})
        assert {"user": alice, "by": by} in audit(place, "signed_out", "revoked")


async def test_a_revocation_names_its_user_and_no_line_holds_a_secret() -> None:
    async with system("identity") as place:
        person = await place.entered(ALICE)
        session = place.session(ALICE)
        await place.enter(person, BOB)
        written = place.written.getvalue()
        for secret in (session.sid, session.idx, session.id, session.xids):
            assert secret is None or secret not in written
        assert user(place, ALICE) in {line.get("user") for line in audit(place, "revoked")}
