"""One living user is the session; two are nobody; and nobody is chosen while Okta is silent about a cookie."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.session.judging import TWO_USERS, Judgement, dead_expiries, judged_apart
from gateway.policy.session.session import Finding, NoSession, Session, SessionCookie, Unknown

ALICE, BOB = (Session(f"102{user}", f"00u{user}", f"{user}@example.com", datetime(2030, 1, 1, tzinfo=UTC)) for user in ("alice", "bob"))
AGAIN = replace(ALICE, id="102again")
GONE, PENDING, SILENT = NoSession("not_found"), NoSession("mfa_pending"), Unknown("timed_out")
cookies = st.builds(SessionCookie, st.sampled_from([b"sid", b"idx"]), st.sampled_from([b"1", b"2", b"3"]))
some = st.dictionaries(cookies, st.sampled_from([ALICE, AGAIN, BOB, GONE, PENDING, SILENT]), max_size=6)


@given(some)
def test_the_judgement_follows_from_the_users_that_live(found: dict[SessionCookie, Finding]) -> None:
    judged = judged_apart(tuple(found.items()))
    users = {finding.user_id for finding in found.values() if isinstance(finding, Session)}
    if len(users) > 1:
        assert judged == Judgement(TWO_USERS, dead=tuple(found))
    elif SILENT in found.values():
        assert judged == Judgement(SILENT)
    elif users and PENDING in found.values():
        assert judged == Judgement(PENDING), "it may be another user's, and the newest"
    elif users:
        assert isinstance(judged.finding, Session) and judged.finding.user_id in users
        assert set(judged.dead) == {cookie for cookie, finding in found.items() if finding == GONE}
    else:
        assert isinstance(judged.finding, NoSession) and judged.dead == tuple(found)


@given(some)
def test_no_living_cookie_is_expired_and_no_name_occurs_twice(found: dict[SessionCookie, Finding]) -> None:
    judged = judged_apart(tuple(found.items()))
    names = [cookie.name for cookie in judged.living]
    assert len(set(names)) == len(names)
    assert set(judged.living).isdisjoint(judged.dead)
    assert all(isinstance(found[cookie], Session) for cookie in judged.living)
    assert len({found[cookie] for cookie in judged.living}) <= 1, "one session, with its own cookies"


def test_of_two_sessions_of_one_user_the_first_is_chosen() -> None:
    first, second = SessionCookie(b"sid", b"1"), SessionCookie(b"idx", b"2")
    assert judged_apart(((first, ALICE), (second, AGAIN))) == Judgement(ALICE, (first,))
    assert judged_apart(((second, AGAIN), (first, ALICE))) == Judgement(AGAIN, (second,))


@given(st.lists(cookies, max_size=4), st.lists(cookies, max_size=4))
def test_what_is_expired_on_the_host_itself_has_no_living_namesake(one: list[SessionCookie], other: list[SessionCookie]) -> None:
    lines = [line for _, line in dead_expiries(tuple(one), tuple(other), ("example.com",))]
    here = {line.partition(b"=")[0] for line in lines if b"Domain=" not in line}
    assert here == {cookie.name for cookie in other} - {cookie.name for cookie in one}
    assert {line.partition(b"=")[0] for line in lines if b"Domain=example.com" in line} == {cookie.name for cookie in other}
