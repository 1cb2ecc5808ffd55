"""A DNS server on a UDP port of this machine. It answers every name, except those that hang or do not exist. Checks nothing by itself."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import cast

A, AAAA = 1, 28


class NameServer(asyncio.DatagramProtocol):
    """``hanging``: names without any answer; ``unknown``: NXDOMAIN; ``addresses``: of a name, in place of 127.0.0.1.

    ``asked``: how many A questions came for each name; ``came`` is set by every question.
    """

    def __init__(self) -> None:
        self.hanging: set[str] = set()
        self.unknown: set[str] = set()
        self.addresses: dict[str, tuple[str, ...]] = {}
        self.asked: Counter[str] = Counter()
        self.came = asyncio.Event()
        self.address = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # what a protocol of datagrams is given
        host, port = transport.get_extra_info("sockname")
        self.address = f"{host}:{port}"

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        name, kind, end = _question(data)
        self.asked[name] += kind == A
        self.came.set()
        if name in self.hanging:
            return
        is_unknown = name in self.unknown
        found = [ip_address(text).packed for text in self.addresses.get(name, ("127.0.0.1",))] if not is_unknown else []
        records = [_record(kind, address) for address in found if kind == (A if len(address) == 4 else AAAA)]
        flags = b"\x85\x83" if is_unknown else b"\x85\x80"
        head = data[:2] + flags + b"\0\1" + len(records).to_bytes(2, "big") + b"\0\0\0\0"
        self._transport.sendto(head + data[12:end] + b"".join(records), addr)

    async def is_asked_for(self, name: str) -> None:
        """Wait for the first question for this name."""
        while not self.asked[name]:
            self.came.clear()
            await self.came.wait()


def _question(data: bytes) -> tuple[str, int, int]:
    """The name in lower case, the type, and where the question ends."""
    labels, at = [], 12
    while data[at]:
        labels.append(data[at + 1 : at + 1 + data[at]])
        at += data[at] + 1
    return b".".join(labels).decode().lower(), int.from_bytes(data[at + 1 : at + 3], "big"), at + 5


def _record(kind: int, address: bytes) -> bytes:
    """An answer for the name of the question, good for no time at all."""
    return b"\xc0\x0c" + kind.to_bytes(2, "big") + b"\0\1" + b"\0\0\0\0" + len(address).to_bytes(2, "big") + address


@asynccontextmanager
async def name_server(*hanging: str) -> AsyncIterator[NameServer]:
    transport, server = await asyncio.get_running_loop().create_datagram_endpoint(NameServer, local_addr=("127.0.0.1", 0))
    server.hanging |= set(hanging)
    try:
        yield server
    finally:
        transport.close()
