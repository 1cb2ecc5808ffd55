"""Tells an app that a user is gone: calls ``app.sign_out_path`` with the cookies that the app once set for that user.

Owns these calls. A call is made only if one of its cookies is new to all processes. The calls are tasks of their own, so no user waits
for them. Must never send a cookie without the gateway's stamp (the proof that the app set it), never name a user, and never pass on
anything of the app's answer.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from hashlib import blake2b
from typing import NamedTuple

from gateway.edge.http_proxy import HttpProxy
from gateway.errors import OutsideFailed, StaleConnection, StateFailed
from gateway.memo import RecentCache
from gateway.policy.http.app_sessions import LeftOut
from gateway.policy.http.fields import ForwardedFrom, way_lines
from gateway.policy.http.messages import Fields
from gateway.shared_state import SharedState

KIND = "app-sign-out"
REMEMBERED_SECONDS = 24 * 3600.0
MOST_AT_ONCE = 64
LARGEST_ANSWER = 64 * 1024
PARTING_SECONDS = 3.0
"""How long the gateway waits at its end for calls under way. They are not made again: other processes know that this one made them."""

Tell = Callable[[str, Mapping[str, object]], None]


class SignOutPlace(NamedTuple):
    """Where and how the app is called: its name in the log, the request target, the ``Host`` that it knows, and its public host.

    ``constant``: fields that it always gets.
    """

    app: str
    target: str
    host: str
    public: str
    is_secure: bool
    constant: Fields = ()


class AppSignOuts:
    """The sign-out calls for one app."""

    def __init__(self, place: SignOutPlace, proxies: Sequence[HttpProxy], state: SharedState, tell: Tell) -> None:
        """``proxies``: one; or one for each server, if each has sessions of its own. ``state`` says which process is first."""
        self._place = place
        self._proxies = proxies
        self._state = state
        self._tell = tell
        self._met: RecentCache[bytes, bool] = RecentCache()
        self._running: set[asyncio.Task[None]] = set()

    def tell_soon(self, cookies: Sequence[LeftOut], client: str) -> None:
        """Call the app with those of these cookies that it set itself, if that was not done before.

        ``client``: the address of the client that sent the cookies.
        """
        known = {_key(self._place.public, one): one for one in cookies if one.own is not None}
        fresh = [key for key in known if self._met.get(key) is None]
        if not fresh:
            return
        if len(self._running) >= MOST_AT_ONCE:
            self._tell("app_sign_out_failed", {"app": self._place.app, "reason": "too_many"})
            return
        for key in fresh:
            self._met.keep(key, True)
        task = asyncio.get_running_loop().create_task(self._call(tuple(known.values()), fresh, client), name="app sign-out")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def aclose(self) -> None:
        """Wait for the running calls, at most ``PARTING_SECONDS``; cancel those that are not over then, and log each."""
        if not self._running:
            return
        _, late = await asyncio.wait(self._running, timeout=PARTING_SECONDS)
        for task in late:
            task.cancel()
            self._tell("app_sign_out_failed", {"app": self._place.app, "reason": "stopping"})
        await asyncio.gather(*late, return_exceptions=True)

    async def _call(self, cookies: Sequence[LeftOut], keys: Sequence[bytes], client: str) -> None:
        if await self._is_first(keys):
            fields = self._fields(cookies, client)
            for proxy in self._proxies:
                await self._ask(proxy, fields)

    async def _ask(self, proxy: HttpProxy, fields: Fields) -> None:
        try:
            try:
                exchange = await proxy.exchange("GET", self._place.target, fields)
            except StaleConnection:  # the app had closed an idle connection, and did not see the request
                exchange = await proxy.exchange("GET", self._place.target, fields, is_new=True)
            status = exchange.status
            with suppress(OutsideFailed):  # the status is known; the body is read so that the connection can be used again
                await exchange.read(LARGEST_ANSWER)
        except OutsideFailed as error:
            self._tell("app_sign_out_failed", {"app": self._place.app, "reason": error.reason})
            return
        event = "app_signed_out" if status < 400 else "app_sign_out_failed"
        self._tell(event, {"app": self._place.app, "status": status})

    async def _is_first(self, keys: Sequence[bytes]) -> bool:
        """Whether one of these cookies is new to all processes. If the state is away, this process decides alone."""
        won = False
        for key in keys:
            try:
                won = await self._state.claim(KIND, key, REMEMBERED_SECONDS) or won
            except StateFailed:
                won = True
        return won

    def _fields(self, cookies: Sequence[LeftOut], client: str) -> Fields:
        place = self._place
        _, forwarded = way_lines(ForwardedFrom(client, "https" if place.is_secure else "http", place.public))
        sent = b"; ".join(b"%b=%b" % (one.name, one.own or b"") for one in cookies)
        own = ((b"User-Agent", b"session-gateway sign-out"), (b"Accept", b"*/*"), (b"Cookie", sent))
        return ((b"Host", place.host.encode("ascii")), *own, *forwarded, *place.constant)


def _key(public: str, cookie: LeftOut) -> bytes:
    """The key under which a cookie is stored, so that its value is not."""
    return blake2b(b"%b\0%b=%b" % (public.encode(), cookie.name, cookie.own or b""), digest_size=16).digest()
