"""What the session check costs: microseconds per request from a cached answer, and the memory of 100,000 sessions.

Run: ``python -m tests.bench.session_check``. Times are CPU time: medians of many rounds less an empty call, and a multiple of that call,
which another machine can compare. The memory is what the process holds more than before. Exits 1 where a figure is over its limit; for
the time that is the figure of the quickest round, so that a busy neighbour fails nobody.
"""

import asyncio
import gc
import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.clock import Clock
from gateway.okta import BrowserFields, OktaAnswer
from gateway.policy.http.cookies import PASS_NAME, single
from gateway.policy.http.messages import Fields
from gateway.policy.session.cache import Lifetimes
from gateway.policy.session.passes import Pass, Passes, Sealer
from gateway.policy.session.session import Fingerprinter, Session, SessionCookie
from gateway.revocations import LocalRevocations
from gateway.sessions import Asking, AskingRules, SessionRules, Sessions
from tests.bench.proxies.microseconds import microseconds

HOST = "hr.example.com:443"
BROWSER = BrowserFields(b"Bench/1.0", b"en", b"", "192.0.2.1")
LIMIT_MICROSECONDS = 20.0
LIMIT_MEGABYTES = 150.0
ENTRIES = 100_000
ROUNDS, REPEATS = 50, 200


class InstantOrg:
    """Answers at once: somebody is signed in, whoever asks; every answer has strings of its own, as from the wire."""

    def __init__(self) -> None:
        """The sessions end in a day."""
        self._expires_at = datetime.now(UTC) + timedelta(days=1)

    async def session(self, cookies: Sequence[SessionCookie], browser: BrowserFields) -> OktaAnswer:
        """A session of a user of its own."""
        mark = cookies[0].value[-8:].decode()
        moment = self._expires_at - timedelta(seconds=1)
        session = Session(f"102{mark}xyzxyzxyzxyz", f"00u1{mark}xyzx", f"user{mark}@example.com", moment, ("pwd", "otp"), moment, moment)
        return OktaAnswer(session, 200)

    async def refresh(self, cookies: Sequence[SessionCookie], browser: BrowserFields) -> OktaAnswer:
        """The same."""
        return await self.session(cookies, browser)


def new_sessions() -> Sessions:
    """A memory that asks ``InstantOrg``; nothing in it ends during a run."""
    clock, ignore = Clock(), lambda name, figures: None
    asking = Asking(InstantOrg(), clock, ignore, AskingRules(most_running=1000))
    rules = SessionRules(Lifetimes(ttl=3600.0, ttl_max=3600.0), max_entries=ENTRIES)
    return Sessions(
        asking, LocalRevocations(clock.monotonic), Fingerprinter(os.urandom(32), "https://example.okta.com"), rules, clock, ignore
    )


def cookies_of(number: int, engine: str) -> tuple[SessionCookie, ...]:
    """Cookies as long as Okta's: ``sid`` 25 characters, ``idx`` a JWE of about 900."""
    sid = SessionCookie(b"sid", b"102%022d" % number)
    return (sid,) if engine == "classic" else (sid, SessionCookie(b"idx", b"eyJ" + os.urandom(450).hex().encode()))


def request_fields(value: str) -> Fields:
    """A browser's request to an app: ordinary fields, three cookies of the app's around the pass."""
    cookie = b"JSESSIONID=0123456789ABCDEF0123; theme=dark; " + PASS_NAME + b"=" + value.encode() + b"; tracking=GA1.2.3.4"
    names = (b"Host", b"User-Agent", b"Accept", b"Accept-Language", b"Accept-Encoding", b"Referer", b"Sec-Fetch-Mode", b"Sec-Fetch-Site")
    return (*((name, b"some value of a field") for name in names), (b"Cookie", cookie))


async def cost(engine: str) -> float:
    """Print the check's parts, and return the whole at best, in microseconds."""
    sessions, sealer = new_sessions(), Sealer([os.urandom(32)], os.urandom)
    cookies = cookies_of(1, engine)
    fields = request_fields(sealer.seal("pass", HOST, Pass(cookies, "00u1", "1021", time.time()).packed()))
    warm = Passes(sealer)
    await sessions.current(cookies, BROWSER)

    def check(passes: Passes) -> None:
        opened = passes.open(HOST, single(fields, PASS_NAME) or b"")
        if opened is None or not isinstance(sessions.from_cache(opened.held.cookies), Session):
            raise AssertionError("the session is not known")

    parts: dict[str, Callable[[], object]] = {
        "cookie field": lambda: single(fields, PASS_NAME),
        "recall": lambda: sessions.from_cache(cookies),
        "whole check, pass opened anew": lambda: check(Passes(sealer)),
        "whole check": lambda: check(warm),
    }
    quickest = 0.0
    for name, work in parts.items():
        (empty, quick_empty), (median, quick) = microseconds(lambda: None, ROUNDS, REPEATS), microseconds(work, ROUNDS, REPEATS)
        quickest = quick - quick_empty
        print(f"{engine:9} {name:30} {median - empty:7.2f} µs, {quickest:6.2f} at best, {median / empty:5.0f} x an empty call")
    await sessions.aclose()
    return quickest


def resident_megabytes() -> float:
    """What the process holds."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


async def memory(engine: str) -> float:
    """Megabytes that 100,000 sessions keep."""
    sessions, before = new_sessions(), resident_megabytes()
    for first in range(0, ENTRIES, 500):
        await asyncio.gather(*(sessions.current(cookies_of(number, engine), BROWSER) for number in range(first, first + 500)))
    megabytes = resident_megabytes() - before
    if len(sessions) != ENTRIES:
        raise AssertionError("not all sessions are kept")
    await sessions.aclose()
    print(f"{engine:9} {ENTRIES} sessions {megabytes:23.1f} MB")
    return megabytes


async def main() -> int:
    """Measure, print, and return the exit status."""
    largest = await memory("identity")
    slowest = max([await cost(engine) for engine in ("classic", "identity")])
    is_good = slowest < LIMIT_MICROSECONDS and largest < LIMIT_MEGABYTES
    print(f"limits: {LIMIT_MICROSECONDS:.0f} µs, {LIMIT_MEGABYTES:.0f} MB: {'held' if is_good else 'BROKEN'}")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
