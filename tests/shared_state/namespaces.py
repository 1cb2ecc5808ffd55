"""A network namespace of this machine, and the cable to it: a test pulls it out, so that what is sent is lost, and nothing is closed.

Owns one namespace, its two interfaces and their addresses, which are of the block for documentation (RFC 5737): no other machine has them.
Checks nothing by itself.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

import pytest

_PLACES = count()
"""Each namespace of a process has addresses of its own: what is left of the last one must not be taken for it."""


@dataclass(frozen=True)
class Namespace:
    """``host``: the address of what is in there; ``within``: the words before a command that run it there."""

    name: str
    host: str

    @property
    def within(self) -> tuple[str, ...]:
        return ("ip", "netns", "exec", self.name)

    def cut(self) -> None:
        """Pull the cable out at its far end: this machine goes on sending."""
        _ip("-n", self.name, "link", "set", f"{self.name}b", "down")

    def mend(self) -> None:
        """Put it in again."""
        _ip("-n", self.name, "link", "set", f"{self.name}b", "up")


@contextmanager
def namespace() -> Iterator[Namespace]:
    """A new one; the test is skipped where this user may not make any."""
    place = next(_PLACES)
    name, number = f"gw{os.getpid()}x{place}", 4 * ((os.getpid() + place) % 64)
    near, far = f"192.0.2.{number + 1}", f"192.0.2.{number + 2}"
    try:
        _ip("netns", "add", name)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("network namespaces are not permitted here; they need root and the program ip")
    try:
        _ip("link", "add", f"{name}a", "type", "veth", "peer", "name", f"{name}b", "netns", name)
        _ip("addr", "add", f"{near}/30", "dev", f"{name}a")
        _ip("link", "set", f"{name}a", "up")
        _ip("-n", name, "addr", "add", f"{far}/30", "dev", f"{name}b")
        _ip("-n", name, "link", "set", f"{name}b", "up")
        yield Namespace(name, far)
    finally:
        # The kernel takes its time with a namespace; the route to it goes with the near end, at once.
        subprocess.run(["ip", "link", "del", f"{name}a"], check=False, capture_output=True, timeout=20)
        _ip("netns", "del", name)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=20)
