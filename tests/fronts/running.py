"""A recipe as a running front proxy: ports that nobody takes away, a process that is ended, a start that is over when it is over.

Must never leave a process behind. Source: the routes of Traefik come by and by, which is why listening is not enough.
"""

import contextlib
import os
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.bench.proxies.processes import ROUTES_SECONDS, Command, Program, found, pause
from tests.fronts.recipes import Ports, Recipe


@dataclass(frozen=True)
class RunningFront:
    """A front proxy that runs; everything that it writes lies in ``folder``."""

    recipe: Recipe
    ports: Ports
    folder: Path


@contextlib.contextmanager
def running(recipe: Recipe, folder: Path, tls: ssl.SSLContext | None = None) -> Iterator[RunningFront]:
    """The proxy with its recipe in this folder; the test is skipped where it is not installed. ``tls``: how a client speaks to it."""
    program = program_of(recipe)
    with ExitStack() as stack:
        ports = Ports(_reserved(stack), _reserved(stack), _reserved(stack))
        words = recipe.write(folder, ports, with_tls=tls is not None)
        command = Command([program, *words], {"HOME": str(folder)})
        process = stack.enter_context(Program(command, min(os.sched_getaffinity(0)), folder / "said"))
        process.listens(ports.front)
        _knows_its_routes(ports.front, tls)
        yield RunningFront(recipe, ports, folder)


def program_of(recipe: Recipe) -> str:
    """Where the proxy is; the test is skipped where it is nowhere."""
    program = found(recipe.program)
    if program is None:
        pytest.skip(f"{recipe.program} is not installed: {recipe.wanted}")
    return program


def status_at(port: int, host: str, tls: ssl.SSLContext | None = None) -> int:
    """What a GET of this host is answered; 0 where the connection ends without an answer."""
    with socket.create_connection(("127.0.0.1", port), 5) as plain:
        asking = tls.wrap_socket(plain, server_hostname=host) if tls is not None else plain
        asking.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = asking.recv(12)
        asking.close()
    return int(answer[9:12] or b"0")


def _reserved(stack: ExitStack) -> int:
    """A port that stays ours: bound, not listening, so that whoever asks there while nobody serves is refused."""
    bound = stack.enter_context(socket.socket())
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", 0))
    return int(bound.getsockname()[1])


def _knows_its_routes(port: int, tls: ssl.SSLContext | None) -> None:
    """Return when the front would ask the gateway, where nobody listens yet; it says 404 as long as it knows no routes."""
    deadline = time.monotonic() + ROUTES_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(ssl.SSLError):  # nor does it have its certificate then
            if status_at(port, "login.example.com", tls) >= 500:
                return
        pause(0.02)
    pytest.fail("the front proxy never knew its routes")
