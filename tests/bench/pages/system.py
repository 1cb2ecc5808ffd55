"""Where the guards run: one core for them; the app, the look-up, the org, Redis and the load on the other.

Owns the programs around the guards, and that a guard is measured only where each user comes in as himself.
"""

import asyncio
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.pages.contestants import CONFIGURATIONS, Guard, Surroundings, guards
from tests.bench.pages.org import login_of
from tests.bench.pages.people import NotIn
from tests.bench.pages.shapes import SHAPES, Shape, address_of, cookies_of, head
from tests.bench.proxies.app_request import BODY, answer_to
from tests.bench.proxies.contestants import ContestantAddress, nginx
from tests.bench.proxies.own import APPS_OWN_COOKIE
from tests.bench.proxies.processes import ROUTES_SECONDS, Command, NotRunning, Program, found, free_port, pause
from tests.bench.proxies.wrk import NEW, written

Say = Callable[[str], None]
WHO = Shape("who", "/who", "*/*", "cors", "empty")


@dataclass(frozen=True, slots=True)
class Ready:
    """A guard that runs, with its users inside. ``cookies``: of each, what says who he is."""

    name: str
    program: Program
    port: int
    cookies: Sequence[str]

    def message(self, shape: Shape, number: int) -> bytes:
        """One request of one user."""
        return head(shape, address_of(number), cookies_of(login_of(number), self.cookies[number]))

    def messages(self, users: int, folder: Path) -> Path:
        """A file with all requests of so many users, a page behind a page."""
        text = [self.message(shape, number) for number in range(users) for shape in SHAPES]
        return written(text, folder / f"{self.port}-{users}.messages")

    def trouble(self) -> str:
        """What is wrong, else nothing. Waits a little: see ROUTES_SECONDS."""
        deadline = time.monotonic() + ROUTES_SECONDS
        while (wrong := self._wrong()) and time.monotonic() < deadline:
            pause(0.1)
        return wrong

    def _wrong(self) -> str:
        """Whom the app was told wrongly, or which request it does not answer."""
        for number in range(len(self.cookies)):
            answer = answer_to(self.message(WHO, number).replace(NEW, b"1"), self.port)
            if (answer.status, answer.body) != (200, login_of(number).encode()):
                return f"the app was told {answer.body[:80]!r} of {login_of(number)}, status {answer.status}"
        for shape in SHAPES:
            answer = answer_to(self.message(shape, 0).replace(NEW, b"1"), self.port)
            if (answer.status, answer.body) != (200, BODY):
                return f"{shape.name}: status {answer.status} with {len(answer.body)} bytes"
        return ""


@dataclass(frozen=True, slots=True)
class PagesSystem:
    """``core`` is the guards', ``load_core`` everybody else's, ours too."""

    core: int
    load_core: int
    folder: Path
    users: int
    around: Surroundings
    app: int
    status: int
    look_up: int

    def arrived(self) -> int:
        """How many requests the app has had so far, those for this number among them."""
        answer = answer_to(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", self.status)
        return int(answer.body.split(b"\n")[2].split()[2])

    @contextmanager
    def ready(self, guard: Guard) -> Iterator[Ready]:
        """The guard with all users inside; NotRunning or NotIn where that fails."""
        place = ContestantAddress(Path(tempfile.mkdtemp(dir=self.folder)), free_port(), self.app, self.look_up)
        place.folder.chmod(0o755)  # Apache gives up root
        with Program(guard.contestant.command(place), self.core, place.folder / "said") as program:
            program.listens(place.port)
            cookies = asyncio.run(guard.way(place.port, self.users))
            made = Ready(guard.contestant.name, program, place.port, cookies)
            if wrong := made.trouble():
                raise NotIn(wrong)
            yield made


@contextmanager
def system(core: int, load_core: int, users: int) -> Iterator[PagesSystem]:
    """Everything but the guards."""
    os.sched_setaffinity(0, {load_core})
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        folder.chmod(0o755)
        tokens = tuple(secrets.token_urlsafe(32) for _ in range(users))
        lines = (f'"{token}" "{login_of(number)}";\n' for number, token in enumerate(tokens))
        (folder / "tokens.map").write_text("".join(lines), "ascii")

        def started(name: str, port: int, command: Callable[[ContestantAddress], Command]) -> int:
            (folder / name).mkdir()
            program = Program(command(ContestantAddress(folder / name, port, 0, 0)), load_core, folder / name / "said")
            opened.enter_context(program).listens(port)
            return port

        status, redis = free_port(), free_port()
        app = started("app", free_port(), nginx("app.conf", {"STATUS": status, "COOKIE": APPS_OWN_COOKIE}, CONFIGURATIONS))
        look_up = started("look-up", free_port(), nginx("look-up.conf", {"TOKENS": folder / "tokens.map"}, CONFIGURATIONS))
        org = started(
            "org", free_port(), lambda place: Command((sys.executable, "-m", "tests.bench.pages.org", str(place.port), str(users)), {})
        )
        if server := found("redis-server"):
            words = (server, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
            started("redis", redis, lambda place: Command((*words, "--port", str(place.port), "--dir", str(place.folder)), {}))
        around = Surroundings(org, redis, folder, tokens, folder / "tokens.map")
        yield PagesSystem(core, load_core, folder, users, around, app, status, look_up)


@contextmanager
def all_ready(made: PagesSystem, old: Path | None, only: Sequence[str], say: Say) -> Iterator[list[Ready]]:
    """All guards at once, less those that are missing or let somebody in as somebody else; those are said."""
    with ExitStack() as opened:
        ready: list[Ready] = []
        for number, guard in enumerate(guards(made.around, old)):
            name = guard.contestant.name
            if number and only and not any(word.lower() in name.lower() for word in only):
                continue
            if guard.contestant.missing:
                say(guard.contestant.missing)
                continue
            try:
                ready.append(opened.enter_context(made.ready(guard)))
            except (NotRunning, NotIn, OSError) as error:
                if number == 0:
                    raise
                say(f"{name}: left out: {type(error).__name__}: {error}")
            else:
                say(f"{name}: {made.users} users are in, each as himself")
        yield ready
