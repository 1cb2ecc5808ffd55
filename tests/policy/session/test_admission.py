"""Admission: nobody gets in on silence, and "not known" is never "signed out"."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.routing.routing import Access, Rule
from gateway.policy.session.admission import (
    Admit,
    Forbid,
    SignIn,
    StepUp,
    Unavailable,
    Verdict,
    is_about_somebody,
    judge,
    judge_at,
    still_admits,
)
from gateway.policy.session.session import Finding, NoSession, Session, Unknown

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
NONE = NoSession("not_found")


def alice(**changes: object) -> Session:
    fields: dict[str, object] = {"id": "s", "user_id": "00u", "login": "alice@example.com", "expires_at": NOW + timedelta(hours=1)}
    return Session(**{**fields, "amr": ("pwd", "mfa"), **changes})  # type: ignore[arg-type]  # one table of changes for all fields


def rule(access: Access = Access.SESSION, **conditions: object) -> Rule:
    return Rule("/**", access, **conditions)  # type: ignore[arg-type]  # one table of conditions for all fields


def names(*of: str) -> frozenset[str]:
    return frozenset(of)


moments = st.none() | st.integers(-9999, 9999).map(lambda seconds: NOW + timedelta(seconds=seconds))
sessions = st.builds(
    Session,
    st.just("s"),
    st.just("00u"),
    st.sampled_from(["alice@example.com", "bob@example.com", "eve@evil.com@example.com", "root"]),
    st.integers(-99, 9999).map(lambda seconds: NOW + timedelta(seconds=seconds)),
    st.lists(st.sampled_from(["pwd", "mfa", "hwk"])).map(tuple),
    moments,
    moments,
)
findings: st.SearchStrategy[Finding] = st.one_of(
    sessions,
    st.builds(NoSession, st.sampled_from(["not_found", "no_cookie"])),
    st.builds(Unknown, st.just("status_500"), st.none() | st.floats(allow_nan=False)),
)
some_rules = st.builds(
    Rule,
    st.just("/**"),
    st.sampled_from(Access),
    st.none() | st.frozensets(st.sampled_from(["GET", "POST"])),
    st.none() | st.frozensets(st.sampled_from(["alice@example.com", "@example.com", "root"])),
    st.none() | st.frozensets(st.sampled_from(["pwd", "mfa"])),
    st.none() | st.integers(0, 9999),
)


@given(some_rules, findings)
def test_nobody_is_admitted_on_silence(of: Rule, finding: Finding) -> None:
    verdict = judge(of, finding, NOW)
    conditions = (of.users, of.amr, of.authenticated_within_seconds)
    is_free = of.access in (Access.ANYONE, Access.OPTIONAL) and conditions == (None, None, None)
    if isinstance(finding, Unknown):
        assert not isinstance(verdict, SignIn | StepUp)
        assert not isinstance(verdict, Admit) or (of.access is Access.ANYONE and is_free)
    if isinstance(finding, NoSession) or (isinstance(finding, Session) and finding.expires_at <= NOW):
        assert not isinstance(verdict, Admit) or (is_free and verdict == Admit(None))
    if isinstance(verdict, Admit):
        assert verdict.session in (None, finding)
    if isinstance(verdict, Admit) and verdict.session is not None:
        assert of.permits(verdict.session.login)
        assert (of.amr or frozenset()) <= set(verdict.session.amr)
        assert verdict.session.expires_at > NOW


@pytest.mark.parametrize(
    ("of", "finding", "verdict"),
    [
        (rule(), alice(), Admit(alice())),
        (rule(), NONE, SignIn("not_found")),
        (rule(), alice(expires_at=NOW), SignIn("expired")),
        (rule(), Unknown("status_500"), Unavailable("status_500", 2)),
        (rule(Access.ANYONE), alice(), Admit(None)),
        (rule(Access.ANYONE), NONE, Admit(None)),
        (rule(Access.ANYONE), Unknown("x"), Admit(None)),
        (rule(Access.OPTIONAL), alice(), Admit(alice())),
        (rule(Access.OPTIONAL), NONE, Admit(None)),
        (rule(Access.OPTIONAL), alice(expires_at=NOW), Admit(None)),
        (rule(Access.OPTIONAL), Unknown("x"), Unavailable("x", 2)),
        (rule(Access.ANYONE, users=names("root")), NONE, SignIn("not_found")),
        (rule(Access.ANYONE, amr=names("mfa")), Unknown("x"), Unavailable("x", 2)),
        (rule(Access.OPTIONAL, authenticated_within_seconds=9), NONE, SignIn("not_found")),
        (rule(users=names("bob@example.com")), alice(), Forbid("user", "alice@example.com")),
        (rule(users=names("bob@example.com")), NONE, SignIn("not_found")),
        (rule(users=names()), alice(), Forbid("user", "alice@example.com")),
        (rule(users=names("ALICE@Example.com")), alice(), Admit(alice())),
        (rule(amr=names("pwd", "mfa")), alice(), Admit(alice())),
        (rule(amr=names("pwd", "hwk")), alice(), StepUp("amr")),
        (rule(users=names("bob"), amr=names("hwk")), alice(), Forbid("user", "alice@example.com")),
    ],
)
def test_the_verdict_follows_from_rule_and_finding(of: Rule, finding: Finding, verdict: Verdict) -> None:
    assert judge(of, finding, NOW) == verdict


@pytest.mark.parametrize("finding", [alice(), NONE, Unknown("x")])
def test_nobody_is_let_in_where_nobody_may_come(finding: Finding) -> None:
    for of in (rule(Access.NOBODY), rule(Access.NOBODY, users=names("alice@example.com"), amr=names("pwd"))):
        assert judge(of, finding, NOW) == Forbid("nobody", None)


@pytest.mark.parametrize(
    ("login", "is_in"),
    [
        ("alice@company.com", True),
        ("ALICE@COMPANY.COM", True),
        ("attacker@evil.com@company.com", False),
        ("attacker@company.com@evil.com", False),
        ("attacker@evilcompany.com", False),
        ("attacker@company.com.evil.net", False),
        ("@company.com", False),
        ("company.com", False),
        ("alice@", False),
        ("alice@company.com ", False),
        ("alice@\u212aompany.com", False),
        ("alice@compan\u0443.com", False),
        ("", False),
        ("root", True),
        ("ROOT", True),
        ("odd@name@company.com", True),
        ("x@two.com@signs.com", False),
    ],
)
def test_a_domain_counts_only_behind_the_one_and_only_at_sign(login: str, is_in: bool) -> None:
    of = rule(users=names("@company.com", "@kompany.com", "root", "odd@name@company.com", "@two.com@signs.com"))
    assert isinstance(judge(of, alice(login=login), NOW), Admit) is is_in


@pytest.mark.parametrize(
    ("password", "factor", "verdict"),
    [
        (None, None, StepUp("authenticated_within")),
        (-60, None, Admit),
        (-61, None, StepUp("authenticated_within")),
        (None, -1, Admit),
        (-600, -60, Admit),
        (-600, -61, StepUp("authenticated_within")),
        (100, None, Admit),
        (121, None, StepUp("authenticated_within")),
        (121, -1, Admit),
    ],
)
def test_a_rule_may_ask_for_a_recent_proof(password: int | None, factor: int | None, verdict: StepUp | type[Admit]) -> None:
    moments = [None if seconds is None else NOW + timedelta(seconds=seconds) for seconds in (password, factor)]
    session = alice(last_password_verification=moments[0], last_factor_verification=moments[1])
    found = judge(rule(authenticated_within_seconds=60), session, NOW)
    assert found == (Admit(session) if verdict is Admit else verdict)


@pytest.mark.parametrize(
    ("retry_in", "wait"),
    [(None, 2), (-5.0, 2), (0.5, 2), (30.2, 31), (119.5, 120), (10.0**9, 120), (float("inf"), 120), (float("-inf"), 2)],
)
def test_the_wait_is_oktas_within_bounds(retry_in: float | None, wait: int) -> None:
    retry_at = None if retry_in is None else NOW.timestamp() + retry_in
    assert judge(rule(), Unknown("rate_limited", retry_at), NOW) == Unavailable("rate_limited", wait)


@given(some_rules, findings, st.integers(-200, 9999))
def test_an_aware_moment_and_unix_seconds_are_judged_alike(of: Rule, finding: Finding, later: int) -> None:
    now = NOW + timedelta(seconds=later)
    assert judge_at(of, finding, now.timestamp()) == judge(of, finding, now)


@given(some_rules)
def test_nobody_is_asked_where_nobody_and_nobody_knows_are_judged_alike(of: Rule) -> None:
    assert is_about_somebody(of) == (judge(of, NONE, NOW) != judge(of, Unknown("x"), NOW))


@given(some_rules, sessions, st.integers(-9999, 9999))
def test_what_is_taken_for_admitted_again_would_be(of: Rule, session: Session, later: int) -> None:
    first, wall = judge(of, session, NOW), NOW.timestamp() + later
    if isinstance(first, Admit) and still_admits(of, session, wall):
        assert judge_at(of, session, wall) == first


def test_the_end_of_a_session_and_an_age_are_judged_each_time() -> None:
    ends, aged = NOW.timestamp() + 3600, rule(authenticated_within_seconds=60)
    assert still_admits(rule(), alice(), ends - 1) and not still_admits(rule(), alice(), ends)
    assert not still_admits(aged, alice(last_password_verification=NOW), NOW.timestamp())
