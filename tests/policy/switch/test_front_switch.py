"""The token never leaves before a proven end, and at most once, whatever browsers, users and clocks do."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.policy.oidc.bounces import Nobody, Unclear
from gateway.policy.oidc.id_tokens import Proof
from gateway.policy.switch.front_switch import (
    DONE,
    MOST_TRIES,
    PROOF_SECONDS,
    REDEEMED,
    START_SECONDS,
    Check,
    ConfirmFront,
    EndFirst,
    FrontSwitch,
    GoOn,
    Last,
    Prove,
    RedeemFront,
    RefuseFront,
    announced,
    arrived,
    checked,
    proven,
    returned,
)

NEW = announced("https://app.example.com/", "bob@example.com", b"", 1000.0)
ALICE, BOB = Proof("00u-alice", "alice@example.com", 100.0), Proof("00u-bob", "Bob@example.com", 1.0)


def ending(now: float = 1000.0, last: str = "", switch: FrontSwitch = NEW) -> FrontSwitch:
    command = arrived(switch, "here", last, True, now)
    assert isinstance(command, EndFirst)
    return command.switch


def redeemed() -> FrontSwitch:
    command = proven(ending(), "here", Last(), Nobody(), 1001.0, 1002.0)
    assert isinstance(command, RedeemFront)
    return command.switch


def test_a_trusted_start_ends_the_session_before_first() -> None:
    assert ending().browser == "here"
    assert FrontSwitch.unpacked(ending().packed()) == ending()


def test_an_untrusted_start_is_confirmed_once() -> None:
    assert arrived(NEW, "here", "", False, 1000.0) == ConfirmFront()
    assert isinstance(arrived(ending(), "here", "", False, 1001.0), EndFirst)


def test_a_switch_belongs_to_the_browser_that_came_first() -> None:
    assert arrived(ending(), "elsewhere", "", True, 1001.0) == RefuseFront("other_browser")
    assert returned(ending(), "elsewhere", 1001.0) == RefuseFront("other_browser")
    assert proven(ending(), "elsewhere", Last(), Nobody(), 1001.0, 1002.0) == RefuseFront("other_browser")
    assert checked(redeemed(), "elsewhere", BOB, 1004.0) == RefuseFront("other_browser")


def test_a_switch_that_began_nowhere_is_not_come_back_to() -> None:
    assert returned(replace(NEW, browser="here"), "here", 1001.0) == RefuseFront("other_browser")
    assert proven(replace(NEW, browser="here"), "here", Last(), Nobody(), 1001.0, 1002.0) == RefuseFront("used")
    assert checked(ending(), "here", BOB, 1004.0) == RefuseFront("other_browser")


def test_a_token_is_good_for_five_minutes() -> None:
    late = 1000.0 + START_SECONDS
    assert arrived(NEW, "here", "", True, late) == RefuseFront("expired")
    assert returned(ending(), "here", late) == RefuseFront("expired")
    assert proven(ending(), "here", Last(), Nobody(), late - 1, late) == RefuseFront("expired")


def test_behind_the_sign_out_comes_the_proof_and_behind_the_proof_the_token() -> None:
    assert returned(ending(), "here", 1001.0) == Prove()
    assert redeemed().phase == REDEEMED


def test_a_used_reference_is_told() -> None:
    for used in (redeemed(), replace(redeemed(), phase=DONE)):
        assert arrived(used, "here", "", True, 1003.0) == RefuseFront("used")
        assert proven(used, "here", Last(), Nobody(), 1002.0, 1003.0) == RefuseFront("used")


@pytest.mark.parametrize(("asked_at", "now"), [(999.0, 1001.0), (1001.0, 1001.0 + PROOF_SECONDS + 0.1)])
def test_an_answer_from_before_the_sign_out_or_from_long_ago_proves_nothing(asked_at: float, now: float) -> None:
    assert proven(ending(), "here", Last(), Nobody(), asked_at, now) == Prove()


def test_whoever_is_there_still_is_signed_out_again_and_then_it_stops() -> None:
    switch = ending()
    for _ in range(MOST_TRIES - 1):
        command = proven(switch, "here", Last(), ALICE, 1001.0, 1002.0)
        assert isinstance(command, EndFirst)
        switch = replace(command.switch, began_at=1000.0)
    assert proven(switch, "here", Last(), ALICE, 1001.0, 1002.0) == RefuseFront("not_ended")


def test_another_redemption_of_this_browser_makes_the_proof_worthless() -> None:
    command = proven(ending(), "here", Last("other"), Nobody(), 1001.0, 1002.0)
    assert isinstance(command, EndFirst)
    assert command.switch.seen == "other"
    tired = replace(ending(), tries=float(MOST_TRIES))
    assert proven(tired, "here", Last("other"), Nobody(), 1001.0, 1002.0) == RefuseFront("not_ended", "other_switches")


def test_while_a_token_of_this_browser_is_on_its_way_no_other_one_goes() -> None:
    assert proven(ending(), "here", Last("", is_in_flight=True), Nobody(), 1001.0, 1002.0) == RefuseFront("busy")


def test_an_org_that_does_not_say_stops_it() -> None:
    assert proven(ending(), "here", Last(), Unclear("timed_out"), 1001.0, 1002.0) == RefuseFront("unclear", "timed_out")
    assert checked(redeemed(), "here", Unclear("timed_out"), 1004.0) == RefuseFront("unclear", "timed_out")


def test_the_end_is_checked_and_said() -> None:
    assert returned(redeemed(), "here", 1003.0) == Check()
    done = checked(redeemed(), "here", BOB, 1004.0)
    assert done == GoOn(replace(redeemed(), phase=DONE))
    assert isinstance(done, GoOn)
    assert returned(done.switch, "here", 9000.0) == done
    assert checked(done.switch, "here", BOB, 1004.0) == done
    assert checked(redeemed(), "here", Nobody(), 1004.0) == RefuseFront("not_signed_in")
    assert checked(redeemed(), "here", ALICE, 1004.0) == RefuseFront("other_user")
    anybody = replace(redeemed(), login="")
    assert isinstance(checked(anybody, "here", replace(ALICE, signed_in_ago=1.0), 1004.0), GoOn)
    assert checked(anybody, "here", ALICE, 1004.0) == RefuseFront("old_session")


@dataclass
class SwitchScenario:
    """One browser, its session at the org, and switches under way in its tabs; ``questions``: bounces that were not answered yet."""

    now: float = 1000.0
    signed_in: bool = True
    last: str = ""
    switches: dict[int, FrontSwitch] = field(
        default_factory=lambda: {one: announced("https://a.example/", "", b"", 1000.0) for one in (0, 1)}
    )
    questions: list[tuple[int, float]] = field(default_factory=list)
    answers: list[tuple[int, float, bool, float]] = field(default_factory=list)
    signed_out_at: dict[int, float] = field(default_factory=dict)
    redeemed: list[int] = field(default_factory=list)
    posted: list[int] = field(default_factory=list)

    def visit(self, one: int) -> None:
        self.follow(one, arrived(self.switches[one], "here", self.last, True, self.now))

    def obey_sign_out(self, one: int) -> None:
        """The org carries the sign-out of this switch out, if one is wanted."""
        if self.switches[one].phase == "ending":
            self.signed_in = False
            self.signed_out_at[one] = self.now

    def come_back(self, one: int) -> None:
        self.follow(one, returned(self.switches[one], "here", self.now))

    def ask(self, place: int) -> None:
        """The org answers a question that waits; the browser carries the answer home later, or again and again."""
        if self.questions:
            one, asked_at = self.questions.pop(place % len(self.questions))
            self.answers.append((one, asked_at, self.signed_in, self.now))

    def carry(self, place: int) -> None:
        """An answer reaches the gateway: any of all that there ever were."""
        if not self.answers:
            return
        one, asked_at, was_there, _ = self.answers[place % len(self.answers)]
        before = self.switches[one]
        in_flight = any(other not in self.posted for other in self.redeemed)
        command = proven(before, "here", Last(self.last, in_flight), ALICE if was_there else Nobody(), asked_at, self.now)
        if isinstance(command, RedeemFront):
            assert not was_there
            assert asked_at >= before.began_at
            assert self.now - asked_at <= PROOF_SECONDS
            assert self.last == before.seen
            assert one not in self.redeemed
            assert not in_flight
            self.last = f"{self.now} {one}"
            self.redeemed.append(one)
        self.follow(one, command)

    def post(self, one: int) -> None:
        """The form of this switch reaches the org."""
        if one in self.redeemed and one not in self.posted:
            self.posted.append(one)
            self.signed_in = True

    def follow(self, one: int, command: object) -> None:
        match command:
            case EndFirst(switch) | RedeemFront(switch):
                self.switches[one] = switch
            case Prove():
                self.questions.append((one, self.now))
            case _:
                pass


STEPS = st.tuples(
    st.sampled_from(["visit", "obey_sign_out", "come_back", "ask", "carry", "post", "sign_in", "wait"]), st.integers(0, 5), st.floats(0, 20)
)


@settings(max_examples=300)
@given(st.lists(STEPS, max_size=60))
def test_no_order_of_events_lets_a_token_go_without_a_proof_or_twice(steps: list[tuple[str, int, float]]) -> None:
    world = SwitchScenario()
    for name, number, seconds in steps:
        match name:
            case "visit" | "obey_sign_out" | "come_back" | "post":
                getattr(world, name)(number % 2)
            case "ask" | "carry":
                getattr(world, name)(number)
            case "sign_in":
                world.signed_in = True
            case _:
                world.now += seconds
    assert len(world.redeemed) == len(set(world.redeemed))


def test_the_usual_order_brings_the_token_to_the_org() -> None:
    world = SwitchScenario()
    for step in (world.visit, world.obey_sign_out, world.come_back, world.ask, world.carry, world.post):
        world.now += 1.0
        step(0)
    assert world.posted == [0]
