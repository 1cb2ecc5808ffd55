"""The way of a request through the gateway: how many files and functions it passes, and how often a lower part calls a higher one.

Run: ``python -m tests.bench.ways [--list]``. A whole gateway runs in this process, before the stand-in org and an app on sockets. Python's
profiler notes each call from a request's first byte to its line in the access log. Each kind of request is sent some times, and the way
with the fewest functions counts: so a timer that fires meanwhile is left out. Exits 1 where a cached GET passes more than the limits.

A file or function counts once, however often it is called. What Python generates (dataclasses, comprehensions) does not count.
A room is a package or module of ``gateway/``. Its floor is its line in the contracts of type ``layers`` in pyproject.toml, which have the
order of imports. An upward callback is a pair of functions: one calls the other, and the room of the called one has the higher floor.
The last column counts callbacks inside a room too: the called function's module imports the caller's, by itself or through others.
Frames of libraries between the two are left out. What the event loop calls has no caller: who waits and is woken is not called back.

Runs in any checkout: ``cd CHECKOUT && PYTHONPATH=$PWD python -P /path/to/ways.py``.
"""

import argparse
import asyncio
import inspect
import sys
import threading
import tomllib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import CodeType, FrameType

import grimp
import uvloop

import gateway
from gateway.policy.routing import routing
from tests.harness.browser import BOB, HR, LOGIN, NAVIGATION
from tests.harness.site import FETCH, NAVIGATE, Site, deployed

HOUSE = Path(gateway.__file__).resolve().parent
STRANGERS = "dev"
"""The org, the app and what starts them: they run in this process, but not in a gateway's."""
TIMES, SETTLING_TURNS = 8, 10
FILES, CALLBACKS = 20, 3
LISTEN = 'trusted_proxies = ["127.0.0.1/32"]'
SAME_SITE = {**NAVIGATION, "Sec-Fetch-Site": "same-site"}
FROM_NGINX = b"X-Original-Method: GET\r\nX-Original-URL: https://hr.example.com/payroll\r\nX-Forwarded-For: 192.0.2.7\r\n"

Ask = Callable[[], Awaitable[None]]
Module = tuple[str, ...]
Pair = tuple[CodeType, CodeType]
Judge = Callable[[Module, Module], bool]
"""Whether a call from the first module into the second is a callback."""


@cache
def module_of(file: str) -> Module | None:
    """``("doors", "login", "door")`` for a file of the gateway; None for any other."""
    path = Path(file)
    if not path.is_relative_to(HOUSE) or path.suffix != ".py":
        return None
    parts = path.relative_to(HOUSE).with_suffix("").parts
    return None if parts[0] == STRANGERS else tuple(part for part in parts if part != "__init__")


def floors() -> dict[Module, dict[str, int]]:
    """By container (below ``gateway``) and room: the floor, counted from below."""
    contracts = tomllib.loads((HOUSE.parent / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    found: dict[Module, dict[str, int]] = {}
    for contract in contracts:
        if contract["type"] == "layers":
            for container in contract["containers"]:
                rooms = found.setdefault(tuple(container.split(".")[1:]), {})
                for floor, line in enumerate(reversed(contract["layers"])):
                    rooms.update({room.strip(" ()"): floor for room in line.replace(":", "|").split("|")})
    return found


def between_rooms() -> Judge:
    """By the floors: in the first container where the two modules part."""
    known = floors()

    def goes_up(caller: Module, called: Module) -> bool:
        depth = next((number for number, (one, other) in enumerate(zip(caller, called, strict=False)) if one != other), None)
        rooms = known.get(called[:depth]) if depth is not None else None
        return depth is not None and rooms is not None and rooms[called[depth]] > rooms[caller[depth]]

    return goes_up


def between_modules() -> Judge:
    """By the floors, and by what imports what."""
    above, graph = between_rooms(), grimp.build_graph("gateway", cache_dir=None)

    def goes_up(caller: Module, called: Module) -> bool:
        mine, other = (".".join(("gateway", *module)) for module in (caller, called))
        return caller != called and (above(caller, called) or graph.find_shortest_chain(other, mine) is not None)

    return goes_up


@dataclass
class CodePath:
    """What one request passed."""

    functions: set[CodeType] = field(default_factory=set)
    pairs: set[Pair] = field(default_factory=set)
    calls: int = 0

    @property
    def files(self) -> set[str]:
        """Files with a function that was called."""
        return {code.co_filename for code in self.functions}

    def upward(self, goes_up: Judge) -> list[Pair]:
        """The callbacks, in the order of their names."""
        found = [pair for pair in self.pairs if goes_up(*(module_of(code.co_filename) or () for code in pair))]
        return sorted(found, key=lambda pair: tuple(map(named, pair)))


def named(code: CodeType) -> str:
    """A function with its module, as people write it."""
    return ".".join((*(module_of(code.co_filename) or ()), code.co_qualname))


class Recorder:
    """Python's profiler while ``recording``; a resumed coroutine is no second call."""

    def __init__(self) -> None:
        self.way = CodePath()
        self._resumable: list[FrameType] = []

    @contextmanager
    def recording(self) -> Iterator[CodePath]:
        """The way of what happens meanwhile, in this thread and in those that begin in it."""
        self.way, self._resumable = CodePath(), []
        threading.setprofile(self._note)
        sys.setprofile(self._note)
        try:
            yield self.way
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
            self._resumable.clear()

    def _note(self, frame: FrameType, event: str, _argument: object) -> None:
        if event != "call" or not _counts(frame.f_code):
            return
        if frame.f_code.co_flags & (inspect.CO_COROUTINE | inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR):
            if any(frame is seen for seen in self._resumable):
                return
            self._resumable.append(frame)
        self.way.calls += 1
        self.way.functions.add(frame.f_code)
        caller = frame.f_back
        while caller is not None and not _counts(caller.f_code):
            caller = caller.f_back
        if caller is not None:
            self.way.pairs.add((caller.f_code, frame.f_code))


def _counts(code: CodeType) -> bool:
    return module_of(code.co_filename) is not None and not (code.co_name.startswith("<") and code.co_name != "<lambda>")


async def shortest(prepared: Callable[[], Awaitable[Ask]]) -> CodePath:
    """The way with the fewest functions; ``prepared`` makes ready what is then asked, each time anew."""
    recorder, ways = Recorder(), []
    for _ in range(TIMES):
        ask = await prepared()
        with recorder.recording() as way:
            await ask()
            for _ in range(SETTLING_TURNS):
                await asyncio.sleep(0)
        ways.append(way)
    return min(ways, key=lambda way: (len(way.functions), way.calls))


async def on_one_connection(site: Site, sent: bytes) -> Callable[[], Awaitable[Ask]]:
    """The same bytes again and again, on a connection that stays open; the first time is not recorded."""
    wire = await site.connect()

    async def ask() -> None:
        await wire.say(sent)
        head = await wire.head()
        assert head.startswith(b"HTTP/1.1 200 "), head
        [length] = [int(line.partition(b":")[2]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        await wire.exactly(length)

    async def prepared() -> Ask:
        return ask

    await ask()
    return prepared


def redemptions(site: Site) -> Callable[[], Awaitable[Ask]]:
    """A link of the portal brings bob's token into a browser in which alice is signed in, and has been in an app."""

    async def prepared() -> Ask:
        browser = await site.entered()
        token = site.org.session_token(BOB)

        async def ask() -> None:
            reply = await browser.ask(f"{LOGIN}/login/sessionCookieRedirect?token={token}&redirectUrl={HR}/", fields=SAME_SITE)
            assert (reply.status, "sid" in reply.set_names) == (302, True), reply

        return ask

    return prepared


def head(line: bytes, *lines: bytes) -> bytes:
    """A request's head from whole lines, each with its end."""
    return b"".join((line, b" HTTP/1.1\r\n", *lines, b"\r\n"))


async def ways() -> dict[str, CodePath]:
    """All kinds, each by what it is."""
    host, form = b"Host: hr.example.com\r\n", b"month=3&slip=7"
    about_form = b"Origin: https://hr.example.com\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n" % len(form)
    found = {}
    async with deployed() as site:
        cookie = await site.signed_in()
        found["a cached GET"] = await shortest(await on_one_connection(site, head(b"GET /payroll", host, NAVIGATE, cookie)))
        found["a redemption over an old session"] = await shortest(redemptions(site))
    async with deployed(listen=LISTEN) as site:
        asked = head(b"GET /.gateway/auth/nginx", b"Host: 127.0.0.1\r\n", FETCH, FROM_NGINX, await site.signed_in())
        found["an nginx sub-request"] = await shortest(await on_one_connection(site, asked))
    async with deployed() as site:
        posted = head(b"POST /payroll", host, FETCH, about_form, await site.signed_in()) + form
        found["a form POST"] = await shortest(await on_one_connection(site, posted))
    return found


def printed(found: Mapping[str, CodePath], is_listed: bool) -> int:
    """Print the table; the exit status."""
    rooms, modules = between_rooms(), between_modules()
    print("| request | files | functions | calls | upward callbacks | inside rooms too |\n|---|--:|--:|--:|--:|--:|")
    for name, way in found.items():
        figures = len(way.files), len(way.functions), way.calls, len(way.upward(rooms)), len(way.upward(modules))
        print(f"| {name} | {' | '.join(map(str, figures))} |")
    for name, way in found.items() if is_listed else ():
        print(f"\n{name}, files:", *sorted(str(Path(file).relative_to(HOUSE)) for file in way.files), sep="\n  ")
        for what, goes_up in (("upward", rooms), ("upward, inside rooms too", modules)):
            print(f"\n{name}, {what}:", *(" -> ".join(map(named, pair)) for pair in way.upward(goes_up)), sep="\n  ")
    cached = found["a cached GET"]
    is_held = len(cached.files) <= FILES and len(cached.upward(rooms)) <= CALLBACKS
    print(f"\nlimits of a cached GET: {FILES} files, {CALLBACKS} upward callbacks: {'held' if is_held else 'BROKEN'}")
    return 0 if is_held else 1


def main() -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.ways", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--list", action="store_true", help="name the files and the callbacks too")
    given = parser.parse_args()
    if not str(routing.__file__).endswith(".py"):
        print("skipped: compiled functions cannot be watched; run it on plain Python")
        return 0
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return printed(runner.run(ways()), given.list)


if __name__ == "__main__":
    sys.exit(main())
