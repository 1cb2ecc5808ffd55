"""Faults that a test can order: an answer is late, wrong or lost, or there is none.

Owns: the list of ordered faults, and which of them applies to a request.
Must never: change the org's state.
The first fault in the list that matches the request is used, and is counted.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from gateway.dev.standin.clock import duration_seconds

HANG_UP = 0
Number = Annotated[int, Field(ge=0, strict=True)]


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


class _Order(BaseModel):
    """The keys of a JSON order."""

    model_config = ConfigDict(extra="forbid")
    path: Annotated[str, Field(pattern=r"^[/*]")]
    method: str | None = None
    status: Number | None = None
    times: Number | None = 1
    skip: Number = 0
    delay: Annotated[float, BeforeValidator(duration_seconds)] = 0.0
    body: Any = None
    headers: dict[str, object] = {}
    content_type: str | None = None
    after: bool = False
    hold: bool = False
    set_cookies: tuple[str, ...] = ()


def fault(order: Mapping[str, object]) -> Fault:
    """Return the fault of a JSON order. The ValueError says what is wrong with it."""
    said = _Order.model_validate(order)
    return Fault(
        path=said.path,
        method=said.method.upper() if said.method is not None else None,
        status=said.status,
        times=said.times,
        skip=said.skip,
        delay_seconds=said.delay,
        body=said.body,
        headers={name: str(value) for name, value in said.headers.items()},
        content_type=said.content_type,
        is_after=said.after,
        release=asyncio.Event() if said.hold else None,
        set_cookies=said.set_cookies,
    )


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
