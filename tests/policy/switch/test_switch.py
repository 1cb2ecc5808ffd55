"""The promises of the switch, over every sequence of answers that Okta could give."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.session.session import Finding, NoSession, Session, SessionCookie, Unknown
from gateway.policy.switch.switch import (
    ROUNDS,
    Ask,
    Close,
    Closed,
    Command,
    Confirm,
    Event,
    Goal,
    Identified,
    Proven,
    Redeem,
    Refuse,
    Revoke,
    Revoked,
    Verified,
    Verify,
    begin,
    is_proof_of_end,
    may_live,
    sets_of,
    step,
)

SID, IDX, OTHER_SID = SessionCookie(b"sid", b"102a"), SessionCookie(b"idx", b"eyJ0"), SessionCookie(b"sid", b"102b")
ALICE = Session("s1", "u1", "alice@example.com", datetime(2030, 1, 1, tzinfo=UTC))
GONE, PENDING_FACTOR = NoSession("not_found"), NoSession("mfa_pending")

cookies_of_a_browser = st.lists(
    st.builds(SessionCookie, st.sampled_from([b"sid", b"idx"]), st.sampled_from([b"1", b"2", b"3"])), max_size=5
).map(tuple)
findings: st.SearchStrategy[Finding] = st.sampled_from(
    [ALICE, GONE, GONE, GONE, PENDING_FACTOR, NoSession("revoked"), Unknown("timed_out")]
)
answers = st.tuples(findings, st.booleans())


@dataclass
class Run:
    """One switch carried out to its end against a list of answers; when they run out, everything goes well."""

    cookies: tuple[SessionCookie, ...]
    trusted: bool = True
    goal: Goal = Goal.REDEEM
    answers: list[tuple[Finding, bool]] = field(default_factory=list)
    doubtful: frozenset[SessionCookie] = frozenset()
    gone: frozenset[SessionCookie] = frozenset()
    asks_alone: bool = False
    brings: list[tuple[SessionCookie, ...]] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def to_the_end(self) -> Command:
        switch, command = begin(self.goal, self.cookies, self.trusted, self.doubtful, self.asks_alone)
        self.commands.append(command)
        while not isinstance(command, Confirm | Redeem | Proven | Refuse):
            event = self._answer(command)
            self.events.append(event)
            switch, command = step(switch, event)
            self.commands.append(command)
        assert switch.expected is None or self.cookies == ()
        return command

    def _answer(self, command: Command) -> Event:
        finding, accepted = self.answers.pop(0) if self.answers else (GONE, True)
        match command:
            case Ask():
                return Identified(finding, self.gone)
            case Revoke():
                return Revoked()
            case Close():
                return Closed(accepted, "" if accepted else "close_500", self._brought())
            case Verify():
                return Verified(finding, self._brought())
        raise AssertionError(command)

    def _brought(self) -> tuple[SessionCookie, ...]:
        """What the next answer sets."""
        return self.brings.pop(0) if self.brings else ()

    @property
    def came_to_light(self) -> set[SessionCookie]:
        """The cookies that were presented, and those that answers brought."""
        return set(self.cookies).union(*(event.brought for event in self.events if isinstance(event, Closed | Verified)))


def run(cookies: tuple[SessionCookie, ...], *answers: tuple[Finding, bool], trusted: bool = True, goal: Goal = Goal.REDEEM) -> Run:
    made = Run(cookies, trusted, goal, list(answers))
    made.to_the_end()
    return made


some_cookies = st.frozensets(st.builds(SessionCookie, st.sampled_from([b"sid", b"idx"]), st.sampled_from([b"1", b"2", b"3"])), max_size=6)
everything = st.builds(
    Run,
    cookies_of_a_browser,
    st.booleans(),
    st.sampled_from(Goal),
    st.lists(answers, max_size=40),
    some_cookies,
    some_cookies,
    st.booleans(),
    st.lists(cookies_of_a_browser, max_size=20),
)


@given(everything)
def test_a_token_is_redeemed_only_after_every_cookie_that_came_to_light_is_proven_gone(made: Run) -> None:
    if not isinstance(made.to_the_end(), Redeem):
        return
    has_closed = any(isinstance(command, Close) for command in made.commands)
    said_gone = (
        made.gone.intersection(made.cookies) if not has_closed and any(isinstance(event, Identified) for event in made.events) else set()
    )
    last_close = max((n for n, command in enumerate(made.commands) if isinstance(command, Close)), default=-1)
    proven = {
        command.cookie
        for command, event in zip(made.commands[last_close + 1 :], made.events[last_close + 1 :], strict=False)
        if isinstance(command, Verify) and isinstance(event, Verified) and is_proof_of_end(event.finding)
    }
    assert proven | said_gone == made.came_to_light


def test_a_cookie_that_was_gone_and_that_an_answer_sets_again_is_closed() -> None:
    """Found by the property above: the proof from before the answer was taken for one behind it."""
    idx, sid = SessionCookie(b"idx", b"1"), SessionCookie(b"sid", b"1")
    made = Run((idx, sid), doubtful=frozenset([idx, sid]), gone=frozenset([sid]), brings=[(sid,)])
    made.to_the_end()
    assert Close((sid,)) in made.commands


@given(everything)
def test_the_machine_ends_and_gives_at_most_one_final_command(made: Run) -> None:
    made.to_the_end()
    finals = [command for command in made.commands if isinstance(command, Confirm | Redeem | Proven | Refuse)]
    assert len(finals) == 1
    assert finals[0] is made.commands[-1]
    assert len(made.commands) <= 3 + (ROUNDS * 3 + 1) * max(1, len(made.came_to_light))


@given(everything)
def test_a_failed_step_refuses(made: Run) -> None:
    final = made.to_the_end()
    failed = any(
        (isinstance(event, Closed) and not event.accepted) or (isinstance(event, Verified) and isinstance(event.finding, Unknown))
        for event in made.events
    )
    assert not failed or (isinstance(final, Refuse) and final.revoked and final.reason)


@given(everything)
def test_every_prefix_of_the_commands_is_safe(made: Run) -> None:
    """Stop anywhere: nothing at Okta was touched before the old session was refused here, and no token was sent."""
    made.to_the_end()
    for position, command in enumerate(made.commands):
        before = made.commands[:position]
        if isinstance(command, Close | Verify) or (isinstance(command, Redeem | Proven) and made.cookies):
            revoked = [earlier for earlier in before if isinstance(earlier, Revoke)]
            assert revoked and set(revoked[0].cookies) == set(made.cookies)
        assert not any(isinstance(earlier, Redeem) for earlier in before)


@given(everything)
def test_an_untrusted_start_over_a_live_or_unclear_session_changes_nothing(made: Run) -> None:
    made.to_the_end()
    first = made.events[0] if made.events else None
    if made.goal is Goal.REDEEM and not made.trusted and isinstance(first, Identified) and not isinstance(first.finding, NoSession):
        assert len(made.commands) == 2
        assert isinstance(made.commands[1], Confirm) or made.commands[1] == Refuse("timed_out", revoked=False)


@given(everything)
def test_a_token_of_a_stranger_is_never_redeemed_unasked_where_he_is_asked_about_alone_too(made: Run) -> None:
    final = made.to_the_end()
    if made.goal is Goal.REDEEM and not made.trusted and made.asks_alone:
        assert isinstance(final, Confirm) or final == Refuse("timed_out", revoked=False)
        assert not any(isinstance(command, Revoke | Close | Redeem) for command in made.commands)


def test_a_stranger_is_asked_about_without_a_session_too() -> None:
    alone = Run((), trusted=False, asks_alone=True)
    assert (alone.to_the_end(), alone.commands) == (Confirm(None), [Confirm(None)])
    dead = Run((SID,), trusted=False, answers=[(GONE, True)], asks_alone=True)
    assert (dead.to_the_end(), dead.commands) == (Confirm(None), [Ask((SID,)), Confirm(None)])
    for other in (Run((), asks_alone=True), Run((), trusted=False), Run((), trusted=False, goal=Goal.SIGN_OUT, asks_alone=True)):
        assert other.to_the_end() == (Redeem() if other.goal is Goal.REDEEM else Proven())


@given(cookies_of_a_browser)
def test_every_cookie_is_closed_and_no_name_twice_in_one_request(cookies: tuple[SessionCookie, ...]) -> None:
    sets = sets_of(tuple(dict.fromkeys(cookies)))
    assert {cookie for chosen in sets for cookie in chosen} == set(cookies)
    assert all(len({cookie.name for cookie in chosen}) == len(chosen) for chosen in sets)


@given(findings)
def test_what_may_live_is_neither_named_nor_proven_gone_nor_unknown(finding: Finding) -> None:
    kinds = [isinstance(finding, Session), isinstance(finding, Unknown), is_proof_of_end(finding), may_live(finding)]
    assert kinds.count(True) == 1


def test_the_sets_are_as_few_as_possible_whatever_a_client_presents() -> None:
    many = tuple(SessionCookie(name, b"%d" % number) for number in range(5000) for name in (b"sid", b"idx"))
    assert sets_of(many) == tuple((many[2 * number], many[2 * number + 1]) for number in range(5000))
    one, two, three = SessionCookie(b"sid", b"1"), SessionCookie(b"sid", b"2"), SessionCookie(b"idx", b"3")
    assert sets_of((one, two, three)) == ((one, three), (two,)) and sets_of(()) == ()


def test_the_whole_switch_of_one_user_to_the_next() -> None:
    made = run((SID, IDX), (ALICE, True))
    assert made.commands == [Ask((SID, IDX)), Revoke((SID, IDX), ALICE), Close((SID, IDX)), Verify(SID), Verify(IDX), Redeem()]


def test_without_a_cookie_the_token_goes_at_once() -> None:
    assert run(()).commands == [Redeem()]
    assert run((), goal=Goal.SIGN_OUT).commands == [Proven()]


def test_a_stranger_s_token_is_refused_while_okta_does_not_say_who_is_signed_in() -> None:
    assert run((SID,), (Unknown("timed_out"), True), trusted=False).commands == [Ask((SID,)), Refuse("timed_out", revoked=False)]


def test_a_sign_out_asks_no_question() -> None:
    assert run((SID,), goal=Goal.SIGN_OUT).commands == [Revoke((SID,), None), Close((SID,)), Verify(SID), Proven()]


def test_a_sid_that_outlives_the_delete_is_closed_by_itself() -> None:
    """OKTA-1163605: DELETE answers 404, the idx half is gone, the sid half lives."""
    made = run((SID, IDX), (ALICE, True), (GONE, True), (GONE, True), (ALICE, True), (GONE, True))
    assert made.commands[3:] == [Verify(SID), Verify(IDX), Close((SID,)), Verify(SID), Verify(IDX), Redeem()]


def test_a_session_that_never_ends_is_refused_after_three_rounds() -> None:
    made = run((SID,), *[(ALICE, True)] * 20)
    assert made.commands[-1] == Refuse("still_alive", revoked=True)
    assert sum(isinstance(command, Close) for command in made.commands) == ROUNDS


def test_a_pending_second_factor_is_a_living_session() -> None:
    made = run((SID,), (ALICE, True), (GONE, True), (GONE, True), (PENDING_FACTOR, True))
    assert made.commands[3:] == [Verify(SID), Close((SID,)), Verify(SID), Redeem()]


def test_two_cookies_of_one_name_are_both_closed() -> None:
    assert run((SID, OTHER_SID)).commands[2:4] == [Close((SID,)), Close((OTHER_SID,))]


@given(everything)
def test_nothing_is_closed_that_okta_has_just_said_carries_nothing(made: Run) -> None:
    made.to_the_end()
    said: set[SessionCookie] = set()
    for command, event in zip(made.commands, made.events, strict=False):
        if isinstance(command, Close):
            assert said.isdisjoint(command.cookies)
            return
        if isinstance(event, Closed | Verified):
            said.difference_update(event.brought)
        if isinstance(event, Identified):
            said |= event.gone
        elif isinstance(command, Verify) and isinstance(event, Verified) and is_proof_of_end(event.finding):
            said.add(command.cookie)


def test_made_up_cookies_cost_one_question_each_and_no_close() -> None:
    made = Run((SID, OTHER_SID, IDX), goal=Goal.SIGN_OUT, doubtful=frozenset((SID, OTHER_SID, IDX)))
    assert made.to_the_end() == Proven()
    assert made.commands == [Revoke((SID, OTHER_SID, IDX), None), Verify(SID), Verify(OTHER_SID), Verify(IDX), Proven()]
    asked = Run((SID, IDX), doubtful=frozenset((SID, IDX)), answers=[(GONE, True)], gone=frozenset((SID, IDX)))
    asked.to_the_end()
    assert asked.commands == [Ask((SID, IDX)), Revoke((SID, IDX), None), Redeem()]


def test_a_living_session_that_was_never_seen_here_is_closed_and_proven_gone() -> None:
    made = Run((SID, IDX), goal=Goal.SIGN_OUT, doubtful=frozenset((SID, IDX)), answers=[(GONE, True), (GONE, True), (ALICE, True)])
    made.to_the_end()
    assert made.commands[1:] == [Verify(SID), Verify(IDX), Close((IDX,)), Verify(SID), Verify(IDX), Proven()]


def test_a_doubtful_cookie_that_okta_says_nothing_about_is_refused_before_anything_is_closed() -> None:
    made = Run((SID,), goal=Goal.SIGN_OUT, doubtful=frozenset((SID,)), answers=[(GONE, True), (Unknown("client_limited", 7.0), True)])
    assert made.to_the_end() == Refuse("client_limited", revoked=True, retry_at=7.0)


def test_a_planted_cookie_that_nobody_may_ask_about_keeps_no_session_alive() -> None:
    limited = (Unknown("guesses_limited", 7.0), True)
    made = Run((IDX, OTHER_SID, SID), goal=Goal.SIGN_OUT, doubtful=frozenset((IDX, OTHER_SID)))
    made.answers = [(GONE, True), limited, (Unknown("timed_out"), True), (GONE, True), (ALICE, True)]
    assert made.to_the_end() == Refuse("guesses_limited", revoked=True, retry_at=7.0)
    assert made.commands[1:-1] == [Verify(IDX), Verify(OTHER_SID), Close((SID,)), Verify(SID), Close((SID,)), Verify(SID)]
    gone = Run((IDX, SID), goal=Goal.SIGN_OUT, doubtful=frozenset((IDX,)), gone=frozenset((SID,)), answers=[(GONE, True), limited])
    assert isinstance(gone.to_the_end(), Refuse)


@given(everything)
def test_what_is_doubtful_never_keeps_what_is_known_from_being_closed(made: Run) -> None:
    final = made.to_the_end()
    known = set(made.cookies) - made.doubtful
    if not isinstance(final, Refuse) or not final.revoked or not known:
        return
    closed = {cookie for command in made.commands if isinstance(command, Close) for cookie in command.cookies}
    assert known - made.gone <= closed or any(isinstance(event, Closed) and not event.accepted for event in made.events)


def test_an_event_that_answers_nothing_is_a_bug() -> None:
    switch, _ = begin(Goal.REDEEM, (SID,), trusted=True)
    with pytest.raises(ValueError, match="Verified does not answer Ask"):
        step(switch, Verified(GONE))
