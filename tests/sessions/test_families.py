"""Which cookies are one browser's."""

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.policy.session.session import Fingerprint
from gateway.sessions.families import MOST_MEMBERS, Families
from tests.harness.clock import ScriptedClock


def mark(name: str | int) -> Fingerprint:
    return Fingerprint(str(name).encode())


A, B, C, D = (mark(name) for name in "ABCD")


def families(times: ScriptedClock | None = None, largest: int = 1000) -> Families:
    return Families(largest, 60.0, (times or ScriptedClock()).clock.monotonic)


def test_a_cookie_without_kin_is_its_own() -> None:
    assert families().family_of((A, B, A)) == (A, B)
    assert families().named((A,), "alice") == ()


def test_kinship_is_mutual_and_goes_on_and_stays_within_the_browser() -> None:
    known = families()
    known.adopt((A,), (B,), None)
    known.adopt((B,), (C,), None)
    assert {frozenset(known.family_of((one,))) for one in (A, B, C)} == {frozenset((A, B, C))}
    assert known.family_of((D,)) == (D,)


def test_kinship_is_forgotten_in_time() -> None:
    times = ScriptedClock()
    known = families(times)
    known.adopt((A,), (B,), None)
    times.passed = 60.0
    assert known.family_of((A,)) == (A,)


def test_a_family_has_a_bound_and_the_eldest_leave() -> None:
    known = families()
    for number in range(3 * MOST_MEMBERS):
        known.adopt((mark(number),), (mark(number + 1),), None)
    youngest = mark(3 * MOST_MEMBERS)
    assert len(known.family_of((youngest,))) == MOST_MEMBERS
    assert mark(3 * MOST_MEMBERS - 1) in known.family_of((youngest,)) and known.family_of((mark(0),)) == (mark(0),)


def test_the_older_user_of_a_browser_is_a_stranger_with_all_that_came_before_the_younger() -> None:
    known = families()
    known.adopt((A,), (B,), None)
    known.adopt((B,), (C,), "alice")
    known.adopt((C,), (D,), None)
    assert known.named((C,), "bob") == (A, B)
    assert known.family_of((D,)) == (D, C)


def test_a_late_answer_about_an_older_cookie_makes_that_one_the_stranger() -> None:
    known = families()
    known.adopt((A,), (B,), None)
    assert known.named((B,), "bob") == ()
    assert known.named((A,), "alice") == (A,)


def test_the_user_who_was_known_when_the_cookie_rotated_counts() -> None:
    known = families()
    known.adopt((A,), (B,), "alice")
    assert known.named((B,), "bob") == (A,)


def test_two_users_in_one_request_are_the_younger_cookies_user() -> None:
    known = families()
    known.adopt((A,), (B,), "alice")
    assert known.named((A, B), "bob") == (A,)


def test_a_cookie_that_okta_never_named_anybody_for_goes_with_the_family_and_takes_nobody_with_it() -> None:
    known = families()
    known.adopt((A,), (B,), None, unseen=(A,))
    assert known.family_of((A,)) == (A,) and known.family_of((B,)) == (B, A)


def test_what_okta_set_in_a_family_is_no_stranger_to_it_though_nobody_asked() -> None:
    known = families()
    known.adopt((A,), (B,), "alice")
    known.adopt((B,), (C,), None, unseen=(B,))
    assert set(known.family_of((B,))) == {A, B, C}


def test_a_doubtful_cookie_is_kin_as_soon_as_okta_names_the_same_user_and_a_stranger_when_another() -> None:
    for user, members, gone in (("alice", {A, B}, ()), ("bob", {A}, (A,))):
        known = families()
        known.adopt((A,), (B,), None, unseen=(A,))
        known.named((B,), "alice")
        assert known.named((A,), user) == gone and set(known.family_of((A,))) == members
    known = families()
    known.adopt((A,), (B,), None, unseen=(A,))
    known.adopt((A,), (C,), "alice")
    assert set(known.family_of((A,))) == {A, B, C}


def test_a_planted_cookie_that_turns_out_to_be_anothers_leaves_alone() -> None:
    known = families()
    known.adopt((A, B), (), None, unseen=(B,))
    assert known.named((A,), "alice") == ()
    assert known.named((B,), "bob") == (B,)
    assert known.family_of((A,)) == (A,) and known.family_of((B,)) == (B,)


def test_a_family_whose_member_was_pushed_out_by_the_bound_still_answers() -> None:
    known = families(largest=2)
    known.adopt((A,), (B,), None)
    known.adopt((C,), (D,), None)
    assert known.family_of((A,)) == (A,) and set(known.family_of((C,))) == {C, D}


names = st.sampled_from([mark(number) for number in range(6)])
groups = st.lists(names, max_size=2)


@given(
    st.lists(st.tuples(groups, groups, st.sampled_from([None, "alice", "bob"]), groups), max_size=8),
    st.lists(st.tuples(names, st.sampled_from(["alice", "bob"])), max_size=8),
)
@example([([mark(0), mark(1)], [], None, [mark(1)])], [(mark(0), "alice"), (mark(1), "bob")])
def test_after_any_history_a_family_is_mutual_and_its_known_members_are_one_users(
    adoptions: list[tuple[list[Fingerprint], list[Fingerprint], str | None, list[Fingerprint]]], answers: list[tuple[Fingerprint, str]]
) -> None:
    known = families()
    for old, new, user, unseen in adoptions:
        known.adopt(old, new, user, unseen)
    for one, user in answers:
        before = known.family_of((one,))
        gone = known.named((one,), user)
        assert set(gone) <= set(before)
        members = known.family_of((one,))
        assert all(set(known.family_of((other,))) in (set(members), {other}) for other in members)
        assert known.named((one,), user) == () or one in gone
