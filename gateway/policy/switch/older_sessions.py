"""The older sessions of a browser, which a new session may replace; and what the browser's record says once that is decided.

Owns which cookies are one session, which of them end, and the record after each decision of ``policy.switch.new_session``. Must never
count a cookie of the new session's own user among those that end.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from gateway.policy.http.cookies import expired
from gateway.policy.http.messages import Fields
from gateway.policy.session.browser_record import BrowserRecord, RecordState
from gateway.policy.session.session import SESSION_NAMES, Cookies, Finding, NoSession, Session, SessionCookie, Unknown
from gateway.policy.switch.new_session import Deliver, DeliveryReason
from gateway.policy.switch.redemption import MOST_SESSION_COOKIES, expiries, names_set, parent_domains
from gateway.policy.switch.switch import may_live


@dataclass(frozen=True, slots=True)
class OlderSessions:
    """The sessions that a new one may replace, each with the user whom Okta named for it, or None.

    ``same`` are the cookies that turned out to be the new user's own: a sibling host may have planted another user's cookie beside them.
    """

    groups: tuple[tuple[Cookies, str | None], ...]
    same: Cookies = ()

    @property
    def cookies(self) -> Cookies:
        """The cookies of all of them, each once."""
        return tuple(dict.fromkeys(cookie for group, _ in self.groups for cookie in group))

    @property
    def to_end(self) -> Cookies:
        """The cookies that end when another user's session begins."""
        return tuple(cookie for cookie in self.cookies if cookie not in self.same)

    @property
    def user_id(self) -> str | None:
        """The user of all of them, if every one is known and all are the same; else None."""
        users = {user for _, user in self.groups}
        return users.pop() if len(users) == 1 else None


def older_sessions(
    known: Iterable[tuple[Cookies, str | None]], new: Cookies = (), is_revoked: Callable[[SessionCookie], bool] = lambda cookie: False
) -> OlderSessions:
    """The older sessions among the cookies that are known of a browser, each with its user or None; without those of ``new``.

    Cookies without a known user are one group each: Okta names one session for several cookies, and perhaps none for two cookies with the
    same name.
    """
    groups: list[tuple[Cookies, str | None]] = []
    seen = set(new)
    for cookies, user_id in known:
        rest = tuple(cookie for cookie in cookies if cookie not in seen and not is_revoked(cookie))
        seen.update(rest)
        if user_id and rest:
            groups.append((rest, user_id))
        elif not user_id:
            groups.extend(((cookie,), None) for cookie in rest)
    return OlderSessions(tuple(groups))


def as_finding(user_id: str, session: Session) -> Session:
    """A finding that stands for an older session of this user, beside the new ``session``. Only its ``user_id`` is meant."""
    return session if user_id == session.user_id else Session("", user_id, "", session.expires_at)


def compared(older: OlderSessions, session: Session, findings: Sequence[Finding], is_renewed: bool) -> tuple[OlderSessions, Finding]:
    """What Okta says about all older sessions together, from one finding for each of them, and which of them are the new user's own.

    A session of another user decides; so does one that may live although Okta names no user, unless the new cookie renews it
    (``is_renewed``). If there is none, an unclear answer decides.
    """
    names = [finding.user_id if isinstance(finding, Session) else None for finding in findings]
    same = tuple(cookie for (cookies, _), name in zip(older.groups, names, strict=True) if name == session.user_id for cookie in cookies)
    others = [finding for finding, name in zip(findings, names, strict=True) if name not in (None, session.user_id)]
    if not others and not is_renewed and any(map(may_live, findings)):
        others = [as_finding(f"not {session.user_id}", session)]
    ranked = (*others, *(one for kind in (Unknown, Session, NoSession) for one in findings if isinstance(one, kind)))
    return replace(older, same=same), next(iter(ranked), NoSession("no_cookie"))


def is_from_before(received: Cookies, record: BrowserRecord) -> bool:
    """Whether a request was sent before the browser got its newest session, and Okta has not yet named the user of that session.

    The cookies in its answer may belong to the older session. So they must not replace the newer ones; they end with the older session.
    """
    return record.state is RecordState.UNDECIDED and bool(received) and set(received).isdisjoint(record.cookies)


def recorded(final: Deliver, new: Cookies, older: OlderSessions, received: Cookies, record: BrowserRecord) -> BrowserRecord:
    """The browser's record once the answer that sets the cookies ``new`` is delivered."""
    user_id = final.session.user_id if final.session is not None else ""
    match final.why:
        case DeliveryReason.FIRST:
            return record.given(new, user_id)
        case DeliveryReason.SAME_USER:
            return record.given(_cookies_after(new, received, record), user_id or older.user_id or "")
        case DeliveryReason.OTHER_USER:
            return record.given(tuple(dict.fromkeys((*new, *older.same))), user_id)
        case DeliveryReason.NOBODY_YET:
            return record.waits(new, RecordState.NOBODY_YET, older.cookies, older.user_id or "")
        case DeliveryReason.UNDECIDED:
            return record.waits(new, RecordState.UNDECIDED, older.cookies, older.user_id or "")
        case _:
            assert_never(final.why)


def _cookies_after(new: Cookies, received: Cookies, record: BrowserRecord) -> Cookies:
    """The browser's cookies after an answer to the same user: the new ones, and the presented ones under other names.

    Also what the browser was given since the request was sent: a renewed cookie of the older session does not end a newer session.
    """
    names = {cookie.name for cookie in new}
    kept = (cookie for cookie in received if cookie.name not in names)
    since = (cookie for cookie in record.cookies if cookie not in received)
    return tuple(dict.fromkeys((*new, *kept, *since)))[: 2 * MOST_SESSION_COOKIES]


def older_expiries(answered: Fields, received: Cookies, kept: Cookies, host: str) -> Fields:
    """The lines that remove every older session cookie, under all names that neither the answer nor the ``kept`` cookies use.

    The lines for parent domains remove what a sibling host may have planted.
    """
    names = {cookie.name for cookie in received}
    planted = tuple(expired(name, parent) for parent in parent_domains(host) for name in sorted(names))
    return (*expiries((names | set(SESSION_NAMES)) - names_set(answered) - {cookie.name for cookie in kept}, ()), *planted)
