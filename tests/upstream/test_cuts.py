"""WebSockets whose session ends: cut in every stage, and nobody else's with them."""

import asyncio

import pytest

from gateway.edge.frames import close_frame
from gateway.edge.pins import Asker
from gateway.policy.session.session import Fingerprint
from tests.harness.app import Behind, Visit
from tests.harness.websocket import MASK, SHAKE, echo, frame, open_up, opened
from tests.upstream.proxy import ProxyServer


async def test_what_is_cut_is_closed_on_both_sides_and_the_rest_stays(front: ProxyServer, behind: Behind) -> None:
    behind.script = echo
    alice, bob = Fingerprint(b"alice"), Fingerprint(b"bob")
    names = iter(((alice,), (bob,)))
    relay = front.websocket.relay
    object.__setattr__(front, "websocket", _Named(relay, names))
    hers, _ = await opened(front)
    his, _ = await opened(front)
    await hers.say(frame(b"1", 1, mask=MASK))
    await hers.exactly(3)
    await his.say(frame(b"1", 1, mask=MASK))
    await his.exactly(3)
    assert front.live.close((alice,)) == 1
    assert (await hers.rest()).endswith(close_frame(1008))
    await his.say(frame(b"still", 1, mask=MASK))
    await his.exactly(7)


async def test_what_is_cut_during_its_handshake_never_opens(front: ProxyServer, behind: Behind) -> None:
    shaking, go = asyncio.Event(), asyncio.Event()

    async def hesitating(visit: Visit) -> None:
        shaking.set()
        await go.wait()
        await open_up(visit)
        await visit.reader.read()

    behind.script = hesitating
    alice = Fingerprint(b"alice")
    object.__setattr__(front, "websocket", _Named(front.websocket.relay, iter(((alice,),))))
    wire = await front.connect()
    await wire.say(SHAKE + b"\r\n")
    await shaking.wait()
    assert front.live.close((alice,)) == 1
    go.set()
    with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
        await wire.head()


class _Named:
    """The relay with a fingerprint for each connection."""

    def __init__(self, relay: object, names: object) -> None:
        self._relay, self._names = relay, names

    async def relay(self, *arguments: object) -> object:
        return await self._relay(*arguments[:-1], Asker(fingerprints=next(self._names)))  # type: ignore[operator, call-overload] # any order of calls
