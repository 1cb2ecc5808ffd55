"""A gateway with several workers, as processes: its log, its workers by number, and clients that stay connected.

Owns the deployment: a stand-in org and an app in the test's process, and the gateway as a process, started as in production. Checks nothing
by itself.
"""

import asyncio
import json
import os
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import DummyCookieJar

from gateway.dev.standin import ALICE_AND_BOB, Org, RunningOrg, User, serve
from tests.harness.browser import HR, LOGIN, Browser
from tests.harness.configuration import SEALED, program
from tests.harness.connected_client import PATIENCE, Caller
from tests.harness.forked import Forked
from tests.harness.hello_app import HelloApp, served
from tests.harness.polling import moment

WORKERS = 2
"""How many workers there are if a test does not say it. Each takes a second to start."""
CONFIGURATION = """
[listen]
address = "127.0.0.1:{port}"
workers = 2
drain = "10s"
[admin]
address = "127.0.0.1:0"
[okta]
org = "{org}"
host = "login.example.com"
[login]
url = "https://login.example.com"
[session]
ttl = "30m"
ttl_max = "30m"
[[app]]
name = "hr"
url = "https://hr.example.com"
upstream = "{upstream}"
"""

Line = Mapping[str, object]


@dataclass
class RunningWorkers:
    """The running gateway. ``lines``: its log so far. ``starts_at_kill``: by worker, how often it had started when ``kill`` was called."""

    org: Org
    process: Process | Forked
    browsers: aiohttp.ClientSession
    app: HelloApp
    lines: list[Line] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    callers: list[Caller] = field(default_factory=list)
    starts_at_kill: dict[int, int] = field(default_factory=dict)
    workers: int = WORKERS
    is_silent: bool = False

    async def read(self) -> None:
        """Read its standard error until it ends."""
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            if line.startswith(b"{"):
                self.lines.append(json.loads(line))
            else:
                self.said.append(line.decode().rstrip())
            self.changed.set()
        self.is_silent = True
        self.changed.set()

    def events(self, name: str, **figures: object) -> list[Line]:
        """Return the log lines of this event with these values."""
        return [line for line in self.lines if line["event"] == name and figures.items() <= line.items()]

    async def event(self, name: str, times: int = 1, **figures: object) -> Line:
        """Wait until there are so many lines of this event, and return the last one."""
        try:
            async with asyncio.timeout(PATIENCE):
                while len(found := self.events(name, **figures)) < times:
                    assert not self.is_silent, self.said
                    self.changed.clear()
                    await self.changed.wait()
        except TimeoutError:
            raise AssertionError(f"no {name} within {PATIENCE} seconds; last: {self.lines[-20:]}, {self.said}") from None
        return found[-1]

    async def replaced(self, number: int) -> int:
        """After ``kill``: wait until another process has replaced this worker and listens. Return how the old one ended."""
        started = self.starts_at_kill[number]
        died = await self.event("worker_died", started, worker=number)
        await self.event("worker_started", started + 1, worker=number)
        assert isinstance(died["code"], int)
        return died["code"]

    @property
    def port(self) -> int:
        """The public port."""
        return int(str(self.events("listening")[0]["address"]).rpartition(":")[2])

    @property
    def admin(self) -> str:
        """The origin of the admin address."""
        return f"http://{self.events('listening')[0]['admin']}"

    def pid(self, number: int) -> int:
        """Return the process id of this worker."""
        return self.pids()[number]

    def pids(self) -> dict[int, int]:
        """Return the process ids by the number of the worker."""
        found = {}
        for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split():
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
            if "--number" in words:
                found[int(words[words.index("--number") + 1])] = int(pid)
        return found

    def kill(self, number: int, how: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to this worker, and return its process id."""
        self.starts_at_kill[number] = len(self.events("worker_started", worker=number))
        pid = self.pid(number)
        os.kill(pid, how)
        return pid

    def browser(self) -> Browser:
        """Return a browser with cookies by host. Each request has its own connection, so any worker may answer it."""
        return Browser(self.browsers, self.port)

    async def entered(self, login: str = "alice@example.com") -> tuple[Browser, str]:
        """Return a browser that went through the hand-off, and the Cookie line that it sends to the app."""
        browser = self.browser()
        browser.signs_in(self.org.sign_in(login))
        reply, _ = await browser.walk(f"{HR}/")
        assert (reply.status, reply.body) == (200, f"hello {login}")
        return browser, "Cookie: " + "; ".join(f"{name}={value}" for name, value in browser.jar(HR).items())

    async def known_to_all(self) -> tuple[Browser, str, dict[int, Caller]]:
        """Enter as alice, and ask each worker once, so that each keeps Okta's answer. Return browser, Cookie line, and connections."""
        browser, cookie = await self.entered()
        callers = await self.callers_of_all(cookie)
        for caller in callers.values():
            assert await caller.ask("/", cookie) == (200, "hello alice@example.com")
        return browser, cookie, callers

    async def caller(self) -> Caller:
        """Open a new connection. The kernel chooses the worker."""
        self.callers.append(Caller(*await asyncio.open_connection("127.0.0.1", self.port)))
        return self.callers[-1]

    async def callers_of_all(self, *lines: str) -> dict[int, Caller]:
        """Open a connection to each worker. The lines are sent in the request that finds out which worker it is."""
        found: dict[int, Caller] = {}
        while len(found) < self.workers:
            caller = await self.caller()
            asked = len(self.events("request", method="OPTIONS")) + 1  # no other request uses this method
            assert (await caller.ask("/which", *lines, method="OPTIONS"))[0] != 0
            line = await self.event("request", asked, method="OPTIONS")
            found.setdefault(int(str(line["worker"])), caller)
        return found

    async def metrics(self) -> dict[str, float]:
        """Return the metrics."""
        async with self.browsers.get(f"{self.admin}/metrics") as answer:
            assert answer.status == 200
            lines = [line for line in (await answer.text()).splitlines() if not line.startswith("#")]
        return {line.rpartition(" ")[0].removeprefix("session_gateway_"): float(line.rpartition(" ")[2]) for line in lines}

    async def readiness(self) -> tuple[int, dict[str, str]]:
        """Return the status of `/readyz`, and the reasons why it is not ready."""
        async with self.browsers.get(f"{self.admin}/readyz") as answer:
            return answer.status, (await answer.json()).get("reasons", {})


def is_alive(pid: int) -> bool:
    """Return whether a thread of the process runs. A zombie does not.

    After a signal the first thread may be a zombie while another one has not ended yet: until then the process still listens.
    """
    return any(_runs(task) for task in Path(f"/proc/{pid}/task").glob("*/stat"))


def _runs(stat: Path) -> bool:
    try:
        return stat.read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


async def until(is_so: Callable[[], bool]) -> None:
    """Poll until the condition is true."""
    async with asyncio.timeout(PATIENCE):
        while not is_so():
            await moment()


@asynccontextmanager
async def behind(users: Sequence[User] = ALICE_AND_BOB) -> AsyncIterator[tuple[RunningOrg, HelloApp, str]]:
    """Start an org and an app on this machine; yield both, and the app's origin."""
    org, app = await serve(Org(users=users, trusted_origins=(LOGIN, HR))), HelloApp()
    async with served(app.handle) as origin:
        try:
            yield org, app, origin
        finally:
            app.release.set()
            await org.aclose()


@asynccontextmanager
async def several_workers(
    folder: Path, port: int = 0, environ: Mapping[str, str] | None = None, workers: int = WORKERS, users: Sequence[User] = ALICE_AND_BOB
) -> AsyncIterator[RunningWorkers]:
    """Start the gateway with its workers. Its temporary files are in ``folder``. ``environ``: further keys of the configuration."""
    async with behind(users) as (org, app, upstream):
        (folder / "gateway.toml").write_text(CONFIGURATION.format(port=port, org=org.url, upstream=upstream))
        (folder / "scratch").mkdir(exist_ok=True)
        async with started(folder, org.org, app, environ, workers) as made:
            yield made


@asynccontextmanager
async def started(
    folder: Path, org: Org, app: HelloApp, environ: Mapping[str, str] | None = None, workers: int = WORKERS
) -> AsyncIterator[RunningWorkers]:
    """Start the gateway with an existing configuration file, for a running org and app."""
    async with begun(folder, org, app, environ, workers) as made:
        await made.event("listening")
        yield made


@asynccontextmanager
async def begun(
    folder: Path, org: Org, app: HelloApp, environ: Mapping[str, str] | None = None, workers: int = WORKERS
) -> AsyncIterator[RunningWorkers]:
    """Like ``started``, but return as soon as the process runs."""
    given = {"TMPDIR": str(folder / "scratch"), "SESSION_GATEWAY__LISTEN__WORKERS": str(workers)}
    environ = {**SEALED, **given, **(environ or {})}
    process = await program("run", "--config", folder / "gateway.toml", environ=environ)
    client = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(force_close=True), cookie_jar=DummyCookieJar(), skip_auto_headers=("User-Agent", "Accept")
    )
    made = RunningWorkers(org, process, client, app, workers=workers)
    reading = asyncio.create_task(made.read())
    try:
        yield made
    finally:
        for caller in made.callers:
            await caller.close()
        await client.close()
        if process.returncode is None:
            process.kill()
        await process.wait()
        async with asyncio.timeout(PATIENCE):
            await reading  # the pipe ends when the last process that holds it has
        await process.communicate()
