"""The cookies of an app as the gateway stamps them for two users, and for a browser without a session."""

from gateway.policy.http.app_sessions import CookiesRead, read_cookies, stamped_line
from gateway.policy.http.cookie_stamps import NOBODY, Stamps, UserStamps
from gateway.policy.http.session_cookie_names import WELL_KNOWN, SessionCookieNames

KEY = b"k" * 32
NAMES = SessionCookieNames((*WELL_KNOWN, "!shared*"))
HOST = b"hr.example.com"
HR = Stamps([KEY], HOST)
ALICE, BOB, NOT_SIGNED_IN = HR.of("00u-alice"), HR.of("00u-bob"), HR.of(NOBODY)


def kept(line: bytes, user: UserStamps = ALICE) -> bytes:
    """What the browser sends back for a Set-Cookie line."""
    return stamped_line(line, NAMES, user, HOST, b"/app/page").partition(b";")[0]


def read(line: bytes, user: UserStamps = ALICE) -> CookiesRead:
    return read_cookies(line, NAMES, user)


ALICES = kept(b"JSESSIONID=a1; Path=/app")
