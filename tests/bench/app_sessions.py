"""What binding an app's session to its user costs: microseconds of CPU for a request and its answer.

Run: ``python -m tests.bench.app_sessions``. The costs are of a Cookie line read and of the answer's fields written, less an empty call. A
stamp that was found good is remembered for its user: only the first request with a cookie pays for the check of its stamp. Exits 1 where
the quickest round is over its limit: 2 µs for a request without such cookies, 6 µs for one with three.
"""

import sys
from collections.abc import Callable

from gateway.doors.app_sessions import AppSessions
from gateway.policy.http.app_sessions import stamped_line
from gateway.policy.http.bound_cookies import BoundCookies
from gateway.policy.http.cookie_stamps import Stamps
from gateway.policy.http.messages import Authority, Fields, RequestHead
from gateway.policy.http.session_cookie_names import WELL_KNOWN, SessionCookieNames
from tests.bench.proxies.microseconds import microseconds

HOST, USER = b"hr.example.com", "00u1abcdefghijklmnop"
PLAIN = b"_ga=GA1.2.1234567890.1234567890; theme=dark; csrftoken=abcdefabcdef0123456789; lang=en-GB; at=%2Fhome%2Fpage"
SETS = (b"JSESSIONID=0123456789ABCDEF0123456789ABCDEF", b"sessionid=k2v0p1x8d5f7q3m9z6c4b1n0", b"remember=" + b"x" * 40)
ANSWER: Fields = tuple((b"X-Field-%d" % number, b"some value of a field") for number in range(10))
ROUNDS, REPEATS = 60, 500
LIMIT_WITHOUT, LIMIT_WITH_THREE = 2.0, 6.0


def main() -> int:
    """Measure, print, and return the exit status."""
    names, stamps = SessionCookieNames(WELL_KNOWN), Stamps([b"k" * 32, b"o" * 32], HOST)
    sessions, user = AppSessions(names, stamps), stamps.of(USER)
    head = RequestHead("GET", "/app/page", Authority("hr.example.com", 443), (), True, "192.0.2.1", "192.0.2.1")
    lines = [stamped_line(line + b"; Path=/; HttpOnly", names, user, HOST, b"/app/page") for line in SETS]
    three = b"; ".join(line.partition(b";")[0] for line in lines)
    setting = (*ANSWER, *((b"Set-Cookie", line + b"; Path=/; HttpOnly") for line in SETS))

    def passes(line: bytes) -> None:
        bound = BoundCookies(names, stamps, head, USER)
        bound.value(line)
        sessions.report(bound)
        bound.answer(ANSWER)

    def passes_first(line: bytes) -> None:
        user.known.clear()
        passes(line)

    parts: dict[str, tuple[Callable[[], object], float | None]] = {
        "no such cookie": (lambda: passes(PLAIN), LIMIT_WITHOUT),
        "three of them": (lambda: passes(three), LIMIT_WITH_THREE),
        "three, for the first time": (lambda: passes_first(three), None),
        "an answer that sets three": (lambda: BoundCookies(names, stamps, head, USER).answer(setting), None),
    }
    is_good = True
    for name, (work, limit) in parts.items():
        (empty, quick_empty), (median, quick) = microseconds(lambda: None, ROUNDS, REPEATS), microseconds(work, ROUNDS, REPEATS)
        at_best = quick - quick_empty
        is_good = is_good and (limit is None or at_best < limit)
        print(f"{name:30} {median - empty:7.2f} µs, {at_best:6.2f} at best, {median / empty:5.0f} x an empty call")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
