"""A whole gateway: its sockets and doors, and the order of start and stop.

    start   both addresses bound ─▶ admin listens ─▶ shared state ─▶ parts ─▶ doors ─▶ public listens ─▶ ready
    aclose  not ready ─▶ nothing accepted ─▶ running requests end (listen.drain) ─▶ parts closed ─▶ shared state closed ─▶ admin closed

Owns that order: if the start fails, nothing stays open; if the stop is cut short, that is safe at each step. Must never look at a
request.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial

from gateway.clock import Clock
from gateway.compose.addresses import bind, listening_at, shown_address
from gateway.compose.app import app_door, pass_resolver, subrequest_door
from gateway.compose.hooks import NO_HOOKS, WatchedHooks, watched_hooks
from gateway.compose.hosts import head_limits
from gateway.compose.login import login_door
from gateway.compose.oidc import oidc_door
from gateway.compose.parts import Parts, make_parts, watch
from gateway.compose.public import certificates, client_rules, redirect_rules, watch_clients
from gateway.compose.state import loaded_revocations, opened_state, until_read
from gateway.compose.tls import Certificates
from gateway.config import Settings, host_of
from gateway.doors.access_recorder import AccessRecorder
from gateway.doors.health import Health
from gateway.doors.https_redirects import HttpsRedirects
from gateway.doors.listener import DoorListener, Doors
from gateway.doors.refusals import refusal
from gateway.doors.trusted_proxies import TrustedProxies
from gateway.edge.handling import Handling
from gateway.edge.rules import Listener
from gateway.edge.server import HttpServer, Listening
from gateway.errors import BadConfig
from gateway.observe import Log, Repeats
from gateway.observe.metrics import Metrics
from gateway.observe.reasons import EVENTS
from gateway.policy.http.client_limits import ClientLimit
from gateway.revocations import LocalRevocations, SharedRevocations
from gateway.shared_state import MemoryState, SharedState

WrapListener = Callable[[Listener], Listener]
"""Wraps the listener with another one: `dev` serves its demo hosts on the same port."""


class Gateway:
    """One gateway. ``start`` and ``aclose`` it in the same event loop."""

    def __init__(
        self,
        settings: Settings,
        log: Log,
        *,
        clock: Clock | None = None,
        public: socket.socket | None = None,
        admin: socket.socket | None = None,
        wrap_listener: WrapListener | None = None,
        nameservers: tuple[str, ...] = (),
        state: SharedState | None = None,
        waits: Callable[[], None] | None = None,
        replaces: "Gateway | None" = None,
    ) -> None:
        """``public``, ``admin``: sockets that are bound already, used instead of ``listen.address`` and ``admin.address``.

        ``nameservers``: ``address:port`` of each, used instead of the system's. ``state``: used instead of the one that the configuration
        names. ``waits``: called again and again while the start waits for a shared state that is away. ``replaces``: a running gateway.
        This one shares its sockets, metrics and memory state until that one is closed.
        """
        self._replaces, self._state, self._settings = replaces, state, settings
        self._recorder = AccessRecorder(log, Metrics(), clock or Clock())
        self._repeats = Repeats(log.tell)
        self._public = public
        self._wrap_listener = wrap_listener or _unwrapped
        self._nameservers = nameservers
        if replaces is not None:
            self._take_over(replaces)
        self._waits = waits or _no_wait
        self._revocations: SharedRevocations | None = None
        self._parts: Parts | None = None
        self._admin = admin
        self._is_worker = public is not None
        self._redirecting: socket.socket | None = None
        self._hooks = WatchedHooks(NO_HOOKS, None)
        self._certificates: Certificates | None = None
        self._has_started = False
        self._listenings: list[Listening] = []
        self._stopping = asyncio.Event()
        self._open = AsyncExitStack()

    @property
    def address(self) -> str:
        """The public address, `host:port`; only while the gateway runs."""
        return shown_address(_open(self._public))

    @property
    def admin_address(self) -> str:
        """The address of health and metrics, `host:port`; only while the gateway runs."""
        return shown_address(_open(self._admin))

    @property
    def public_port(self) -> int:
        """The port of ``address``."""
        return int(self.address.rpartition(":")[2])

    @property
    def admin_port(self) -> int:
        """The port of ``admin_address``."""
        return int(self.admin_address.rpartition(":")[2])

    @property
    def metrics(self) -> Metrics:
        """The counters of this gateway."""
        return self._recorder.metrics

    @property
    def parts(self) -> Parts:
        """The objects that its doors share; only while the gateway runs."""
        if self._parts is None:
            raise RuntimeError("the gateway does not run")
        return self._parts

    @property
    def redirect_port(self) -> int:
        """The port of ``listen.redirect_address``; only while the gateway runs."""
        return int(shown_address(_open(self._redirecting)).rpartition(":")[2])

    async def start(self) -> None:
        """Listen on all addresses. Raises `BadConfig` if one is taken; then nothing was started.

        While Redis is away, the admin address says so, and connections of clients are refused.
        """
        async with AsyncExitStack() as opened:
            if self._replaces is not None:
                self._share(self._replaces)
            public, admin = self._bound(opened)
            health = Health(self.metrics, self.unready, host_of(self._settings.config.admin.address), self.details)
            server = HttpServer(Handling(health.handle, lambda malformed: refusal(malformed, ())))
            if self._replaces is None:
                await self._listen(Listening(server, admin), opened, 0.0)
            self._state = state = self._state or opened_state(self._settings, self._recorder.clock, self._tell)
            opened.push_async_callback(state.aclose)
            memory = LocalRevocations(self._recorder.clock.monotonic)
            self._revocations = await loaded_revocations(memory, state, self._settings, partial(self._wait, public))
            own = tuple(listening_at(bound) for bound in (public, admin) if bound.family != socket.AF_UNIX)
            parts = make_parts(self._settings, self._recorder.clock, self._tell, self._revocations, state, self._nameservers)
            self._parts = parts = replace(parts, own_addresses=own)
            opened.push_async_callback(parts.aclose)
            watch(parts, self.metrics)
            self._hooks = watched_hooks(parts, opened, self.metrics)
            await self._listen_to_clients(parts, public, opened)
            if self._replaces is not None:  # the admin address: until now the former gateway has answered there
                await self._listen(Listening(server, admin), opened, 0.0)
                self._replaces = None
            self._open = opened.pop_all()
            self._has_started = True

    async def aclose(self) -> None:
        """Become unready, accept no new connection, let running requests end within ``listen.drain``, then close everything."""
        self._stopping.set()
        await self._open.aclose()

    def accept_no_more(self) -> None:
        """Accept no new connection, because another gateway listens on the same sockets. Open connections are still served."""
        for listening in self._listenings:
            listening.accept_no_more()

    def reload(self) -> None:
        """Read the files again that may change while the gateway runs: the certificate of the public listener."""
        if self._certificates is not None:
            self._certificates.reload()

    def unready(self) -> Mapping[str, str]:
        """Why the gateway wants no traffic, as part and reason; empty when it is ready."""
        reasons = {}
        if self._stopping.is_set():
            reasons["process"] = "stopping"
        elif not self._has_started:
            reasons["process"] = "starting"
        problem = self._state.problem if self._state is not None else ""
        if problem or (self._revocations is not None and not self._revocations.ready):
            reasons["revocations"] = problem or "not shared"
        return reasons

    def details(self) -> Mapping[str, str]:
        """What `/readyz` shows beside readiness, without any effect on it."""
        watch = self._hooks.watch
        return {"event_hook": watch.word} if watch is not None else {}

    def _bound(self, opened: AsyncExitStack) -> tuple[socket.socket, socket.socket]:
        listen, admin = self._settings.config.listen.address, self._settings.config.admin.address
        if self._public is None:
            self._public = bind(listen, lambda text: self._settings.problem(("listen", "address"), text))
        opened.callback(self._public.close)
        if self._admin is None:
            self._admin = bind(admin, lambda text: self._settings.problem(("admin", "address"), text))
        opened.callback(self._admin.close)
        redirect = self._settings.config.listen.redirect_address
        if redirect:
            problem = partial(self._settings.problem, ("listen", "redirect_address"))
            self._redirecting = self._redirecting or bind(redirect, problem, is_shared=self._is_worker)
            opened.callback(self._redirecting.close)
        return self._public, self._admin

    def _take_over(self, other: "Gateway") -> None:
        self._recorder, self._wrap_listener, self._nameservers = other._recorder, other._wrap_listener, other._nameservers

    def _share(self, other: "Gateway") -> None:
        """Use the other gateway's listening sockets and memory state, so that no new connection is refused and nothing is forgotten."""
        self._public, self._admin = _open(other._public).dup(), _open(other._admin).dup()
        if other._redirecting is not None:
            self._redirecting = other._redirecting.dup()
        if isinstance(other._state, MemoryState):
            self._state = other._state.beside()

    def _wait(self, public: socket.socket) -> None:
        """Refuse connections while the gateway cannot answer yet: a bound socket listens already, so it is made to stop listening."""
        if self._replaces is not None:
            raise BadConfig(("the shared state cannot be read just now; try again when it can",))
        if public.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):  # else its connections would be shut down from the start
            public.shutdown(socket.SHUT_RD)
        self._waits()

    async def _listen(self, listening: Listening, opened: AsyncExitStack, drain_seconds: float) -> None:
        opened.push_async_callback(listening.aclose, drain_seconds)
        await listening.start()
        self._listenings.append(listening)

    async def _listen_to_clients(self, parts: Parts, public: socket.socket, opened: AsyncExitStack) -> None:
        config, client_limit = self._settings.config, ClientLimit(self._settings.config.listen.requests_per_client)
        trusted_proxies = TrustedProxies(config.listen.trusted_proxies, head_limits(config))
        door = login_door if parts.oidc is None else oidc_door
        login, resolver = door(parts, opened, hooks=self._hooks.hooks), pass_resolver(parts)
        doors = Doors(login, app_door(parts, resolver, opened), subrequest_door(parts, resolver))
        for resumes in (login.resume, parts.closer.resume):
            await until_read(resumes, self._settings, partial(self._wait, public))
        listener = DoorListener(parts.table, doors, trusted_proxies, self._recorder, client_limit)
        server = HttpServer(self._wrap_listener(listener), client_rules(config), self._tell)
        self._certificates = certificates(self._settings, self._tell)
        watch_clients(server, client_limit, self._certificates, self.metrics)
        if self._certificates is not None:
            self._certificates.watch()
            opened.push_async_callback(self._certificates.aclose)
        redirects = HttpsRedirects(parts.table)
        plain = HttpServer(redirects, redirect_rules(config))
        self.metrics.watch_total("https_redirects_total", "Requests by plain http that were led to https.", lambda: redirects.count)
        if self._redirecting is not None:
            await self._listen(Listening(plain, self._redirecting), opened, 0.0)
        await self._listen(
            Listening(server, public, self._certificates, parts.open_connections.go_away, plain), opened, config.listen.drain
        )

    def _tell(self, event: str, figures: Mapping[str, object]) -> None:
        self._recorder.metrics.happened(event)
        known = EVENTS.get(event)
        (self._repeats if known is not None and known.floods else self._recorder.log).tell(event, figures)


def _no_wait() -> None:
    """For a gateway without a supervisor: does nothing."""


def _unwrapped(listener: Listener) -> Listener:
    return listener


def _open(bound: socket.socket | None) -> socket.socket:
    if bound is None or bound.fileno() < 0:
        raise RuntimeError("the gateway does not listen")
    return bound
