"""Where contestants run: one core for them, one for the load and the app; everything on loopback, and ended with the ``with``.

Owns the app and starts contestants before it. A contestant that does not start, or answers wrongly, is left out and said.
"""

import http.client
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.proxies.app_request import BODY, TARGET, AppRequest
from tests.bench.proxies.contestants import Contestant, ContestantAddress, nginx
from tests.bench.proxies.own import OrgWithGateways
from tests.bench.proxies.processes import ROUTES_SECONDS, Command, NotRunning, Program, free_port, pause


@dataclass(frozen=True, slots=True)
class RunningContestant:
    """A contestant that answers. ``asked``: what it is asked where its passes are its own."""

    name: str
    program: Program
    port: int
    asked: AppRequest | None = None


@dataclass(slots=True)
class Arena:
    """``core`` is the contestants', ``load_core`` everybody else's, ours too."""

    core: int
    load_core: int
    folder: Path
    system: OrgWithGateways
    app: RunningContestant
    asked: AppRequest = field(default_factory=lambda: AppRequest(""))
    asked_of: dict[str, AppRequest] = field(default_factory=dict)
    """By name: what those are asked that do not know the passes of ours."""
    _started: int = 0

    @contextmanager
    def running(self, contestant: Contestant, upstream: int | None = None) -> Iterator[RunningContestant]:
        """The contestant, started before the app or before another server; NotRunning when it does not listen."""
        self._started += 1
        folder = self.folder / f"{self._started}"
        folder.mkdir()
        place = ContestantAddress(folder, free_port(), upstream or self.app.port, self.app.port)
        with Program(contestant.command(place), self.core, folder / "said") as program:
            program.listens(place.port)
            yield RunningContestant(contestant.name, program, place.port, self.asked_of.get(contestant.name))

    @contextmanager
    def server(self, module: str) -> Iterator[int]:
        """One of our own little servers on the load's core; its port."""
        port = free_port()
        command = Command((sys.executable, "-m", f"tests.bench.proxies.{module}", str(port)), {})
        with Program(command, self.load_core, self.folder / f"{module}.said") as program:
            program.listens(port)
            yield port

    def what_is_asked(self, running: RunningContestant) -> AppRequest:
        """The browser's request, with a pass that this contestant knows."""
        return running.asked or self.asked

    def trouble(self, running: RunningContestant) -> str | None:
        """What is wrong with the contestant's answer; None when it is the app's. Waits a little: see ROUTES_SECONDS."""
        deadline = time.monotonic() + ROUTES_SECONDS
        while (wrong := self._wrong(running)) is not None and time.monotonic() < deadline:
            pause(0.1)
        return wrong

    def _wrong(self, running: RunningContestant) -> str | None:
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
        try:
            connection.request("GET", TARGET, headers=dict(self.what_is_asked(running).fields))
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            return f"{type(error).__name__}: {error}"
        finally:
            connection.close()
        return None if (answer.status, body) == (200, BODY) else f"answers {answer.status} with {len(body)} bytes"


@contextmanager
def arena(core: int, load_core: int, old: Path | None = None) -> Iterator[Arena]:
    """The app and the org on the load's core, ourselves too, and somebody signed in through the gateway; through that of ``old`` too."""
    os.sched_setaffinity(0, {load_core})
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        (folder / "app").mkdir()
        place = ContestantAddress(folder / "app", free_port(), 0, 0)
        app = opened.enter_context(Program(nginx("upstream.conf")(place), load_core, folder / "app" / "said"))
        app.listens(place.port)
        system = opened.enter_context(OrgWithGateways(load_core, folder, old))
        made = Arena(core, load_core, folder, system, RunningContestant("app", app, place.port))
        with made.running(system.contestant) as gateway:
            made.asked = system.signed_in(gateway.port)
        if system.older is not None:
            with made.running(system.older) as older:
                made.asked_of[system.older.name] = system.signed_in(older.port)
        yield made


@contextmanager
def all_running(made: Arena, contestants: list[Contestant], say: Callable[[str], None]) -> Iterator[list[RunningContestant]]:
    """All of them at once, less those that are missing or do not answer as the app does; those are said."""
    with ExitStack() as opened:
        ready = []
        for contestant in contestants:
            if contestant.missing:
                say(contestant.missing)
                continue
            try:
                running = opened.enter_context(made.running(contestant))
            except NotRunning as error:
                say(f"{contestant.name}: left out, did not start: {error}")
                continue
            wrong = made.trouble(running)
            if wrong is None:
                ready.append(running)
            else:
                say(f"{contestant.name}: left out, {wrong}")
        yield ready
