"""Faults that a test can order: an answer is late, wrong or lost, or there is none.

Owns: the list of ordered faults, and which of them applies to a request.
Must never: change the org's state.
The first fault in the list that matches the request is used, and is counted.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.dev.standin.clock import duration_seconds

HANG_UP = 0
_KEYS = frozenset({"method", "path", "status", "times", "delay", "body", "headers", "after", "content_type", "skip", "hold", "set_cookies"})


@dataclass(slots=True)
class Fault:
    """One order: which requests it is for, and what happens to them.

    `set_cookies` are Set-Cookie lines that are added to the answer, ordered or real. Okta sometimes deletes `sid` in the answer to a
    request whose session lives; `{"path": …, "set_cookies": ["sid=\"\";Version=1;Path=/;Max-Age=0"]}` does the same.
    """

    path: str
    method: str | None = None
    status: int | None = None
    times: int | None = 1
    skip: int = 0
    delay_seconds: float = 0.0
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str | None = None
    is_after: bool = False
    release: asyncio.Event | None = None
    set_cookies: tuple[str, ...] = ()

    def meets(self, method: str, path: str) -> bool:
        """Return whether the order is for this request. A path that ends in `*` is a prefix."""
        if self.method not in (None, "*", method):
            return False
        return path.startswith(self.path[:-1]) if self.path.endswith("*") else path == self.path

    async def wait(self) -> None:
        """Wait for the delay, and until a held answer is released."""
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)
        if self.release is not None:
            await self.release.wait()


def fault(order: Mapping[str, object]) -> Fault:
    """Return the fault of a JSON order. The ValueError says what is wrong with it."""
    unknown = sorted(set(order) - _KEYS)
    if unknown:
        raise ValueError(f"unknown keys: {', '.join(unknown)}")
    path, headers = order.get("path"), order.get("headers") or {}
    if not isinstance(path, str) or not path.startswith(("/", "*")):
        raise ValueError("path: a string that begins with / is needed")
    if not isinstance(headers, dict):
        raise ValueError("headers: an object is needed")
    set_cookies = order.get("set_cookies") or []
    if not isinstance(set_cookies, list) or not all(isinstance(line, str) for line in set_cookies):
        raise ValueError("set_cookies: a list of strings is needed")
    method, content_type = order.get("method"), order.get("content_type")
    return Fault(
        path=path,
        method=str(method).upper() if method is not None else None,
        status=_number(order, "status", None),
        times=_number(order, "times", 1),
        skip=_number(order, "skip", 0) or 0,
        delay_seconds=duration_seconds(order.get("delay", 0)),
        body=order.get("body"),
        headers={str(name): str(value) for name, value in headers.items()},
        content_type=str(content_type) if content_type is not None else None,
        is_after=order.get("after") is True,
        release=asyncio.Event() if order.get("hold") is True else None,
        set_cookies=tuple(set_cookies),
    )


def _number(order: Mapping[str, object], key: str, default: int | None) -> int | None:
    value = order.get(key, default)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        raise ValueError(f"{key}: a whole number is needed")
    return value


class Faults:
    """The orders in force, oldest first."""

    def __init__(self) -> None:
        self._orders: list[Fault] = []

    def add(self, order: Fault) -> None:
        """Put an order at the end of the list."""
        self._orders.append(order)

    def clear(self) -> None:
        """Remove all orders, and release the held answers."""
        for order in self._orders:
            if order.release is not None:
                order.release.set()
        self._orders.clear()

    def next(self, method: str, path: str) -> Fault | None:
        """Return the fault for this request, and count it; None if there is none, or it is skipped this time."""
        for order in self._orders:
            if not order.meets(method, path) or order.times == 0:
                continue
            if order.skip > 0:
                order.skip -= 1
                return None
            if order.times is not None:
                order.times -= 1
            return order
        return None
