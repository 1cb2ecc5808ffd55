"""Of several session cookies the living ones of one user go on; dead ones are expired where that cannot end a living one."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.session import Finding, NoSession, Session, SessionCookie, Unknown
from gateway.policy.session.living_cookies import Judged, dead_expiries, judged, questions, questions_again

END = datetime(2030, 1, 1, tzinfo=UTC)
ALICE, AGAIN, BOB = (Session(id, user, user, END) for id, user in (("1", "alice"), ("2", "alice"), ("3", "bob")))
GONE, PENDING, SILENT = NoSession("not_found"), NoSession("mfa_pending"), Unknown("slow")
SID, SID2, IDX = SessionCookie(b"sid", b"1"), SessionCookie(b"sid", b"2"), SessionCookie(b"idx", b"3")
cookies = st.lists(st.sampled_from([SID, SID2, IDX, SessionCookie(b"idx", b"4")]), max_size=4, unique=True).map(tuple)
findings: st.SearchStrategy[Finding] = st.sampled_from([ALICE, AGAIN, BOB, GONE, PENDING, SILENT])


def test_all_cookies_are_asked_about_at_once_unless_a_name_is_repeated() -> None:
    assert questions(()) == ()
    assert questions((SID, IDX)) == ((SID, IDX),)
    assert questions((SID, SID2, IDX)) == ((SID,), (SID2,), (IDX,))


@pytest.mark.parametrize("finding", [ALICE, SILENT, None])
def test_nobody_asks_twice_where_the_first_answer_says_it(finding: Finding | None) -> None:
    assert questions_again((SID, IDX), finding) == () == questions_again((SID,), GONE)


def test_a_dead_one_may_hide_a_living_one() -> None:
    assert questions_again((SID, IDX), GONE) == ((SID,), (IDX,))
    found = judged((SID, IDX), (), {(SID, IDX): GONE, (SID,): GONE, (IDX,): BOB})
    assert found == Judged(BOB, (IDX,), (SID,))


def test_a_revoked_cookie_beside_a_living_one_of_another_user_is_dead() -> None:
    assert judged((SID, IDX), (SID,), {(IDX,): BOB}) == Judged(BOB, (IDX,), (SID,))


def test_two_users_are_nobody() -> None:
    assert judged((SID, SID2), (), {(SID,): ALICE, (SID2,): BOB}).finding == NoSession("repeated")


def test_of_two_sessions_of_one_user_the_first_goes_on_with_its_own_cookies() -> None:
    found = judged((SID, SID2, IDX), (), {(SID,): ALICE, (SID2,): AGAIN, (IDX,): ALICE})
    assert (found.finding, found.cookies, found.dead) == (ALICE, (SID, IDX), ())
    twice = judged((SID, SID2), (), {(SID,): ALICE, (SID2,): ALICE})
    assert twice.cookies == (SID,)


def test_while_okta_does_not_say_nobody_is_chosen() -> None:
    assert judged((SID, SID2), (), {(SID,): ALICE, (SID2,): SILENT}) == Judged(SILENT)


def test_without_a_session_the_first_answer_is_the_reason() -> None:
    assert judged((), (), {}).finding == NoSession("no_cookie")
    assert judged((SID,), (SID,), {}) == Judged(NoSession("revoked"), (), (SID,))
    assert judged((SID,), (), {(SID,): PENDING}) == Judged(PENDING), "a second factor is awaited: not dead"


@given(cookies, st.data())
def test_whoever_is_chosen_lives_and_is_no_other_than_all_that_live(presented: tuple[SessionCookie, ...], data: st.DataObject) -> None:
    revoked = tuple(cookie for cookie in presented if data.draw(st.booleans()))
    living = tuple(cookie for cookie in presented if cookie not in revoked)
    answers: dict[tuple[SessionCookie, ...], Finding] = {asked: data.draw(findings) for asked in questions(living)}
    answers |= {asked: data.draw(findings) for asked in questions_again(living, answers.get(living))}
    found = judged(presented, revoked, answers)
    assert set(found.cookies).isdisjoint(found.dead) and set(revoked) <= set(found.dead) <= set(presented)
    assert len({cookie.name for cookie in found.cookies}) == len(found.cookies)
    users = {answer.user_id for answer in answers.values() if isinstance(answer, Session)}
    if isinstance(found.finding, Session):
        assert users == {found.finding.user_id} and found.cookies and set(found.cookies) <= set(living)
        assert SILENT not in answers.values()
    else:
        assert found.cookies == ()
    for cookie in set(found.dead) - set(revoked):
        assert answers[(cookie,)] == GONE


@given(cookies, cookies)
def test_what_is_expired_on_the_host_itself_has_no_living_namesake(
    one: tuple[SessionCookie, ...], other: tuple[SessionCookie, ...]
) -> None:
    lines = [line for _, line in dead_expiries(one, other, ("example.com",))]
    here = {line.partition(b"=")[0] for line in lines if b"Domain=" not in line}
    assert here == {cookie.name for cookie in other} - {cookie.name for cookie in one}
    assert {line.partition(b"=")[0] for line in lines if b"Domain=example.com" in line} == {cookie.name for cookie in other}
