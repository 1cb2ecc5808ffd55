"""A request without a body on its way to an app, and its answer on the way back: no task, and again where it provably did not leave.

Owns the tries: a connection that turns out to be closed before anything was written to it is no try of the request's. Must never send what
was given up, nor leave anything registered behind its end. Rules from: STYLE "Async", ATTACKS D5, U8.
"""

from gateway.doors.protected.lasting import Watch
from gateway.errors import Unsent
from gateway.proxy.connection import Connection
from gateway.proxy.fetching import TRIES, Fetching
from gateway.proxy.heads import Asked
from gateway.proxy.live import Brief, Watched
from gateway.proxy.relay import Client, Owner, Relay, Rewrite
from gateway.proxy.servers import Source
from gateway.proxy.turn import Turn


class Sending(Owner):
    """One such request. ``owner`` is told once when all is over."""

    __slots__ = ("_address", "_asked", "_brief", "_head", "_key", "_owner", "_relay", "_source", "_tries", "_turn", "_watch")

    def __init__(
        self,
        source: Source,
        head: bytes,
        key: bytes | None,
        address: str,
        asked: Asked,
        brief: dict[Brief, Watched],
        watch: Watch | None,
        owner: Owner,
    ) -> None:
        """``key``: what a sticky app is sticky by; ``address``: the client's; ``brief``: where it is registered under ``watch`` for
        as long as it lasts."""
        self._source = source
        self._head = head
        self._key = key
        self._address = address
        self._asked = asked
        self._brief = brief
        self._watch = watch
        self._owner = owner
        self._turn: Turn | None = None
        self._relay: Relay | None = None
        self._tries = TRIES

    def begin(self, client: Client, rewrite: Rewrite, turn: Turn) -> None:
        """Send it over a connection that is free, or over the next that is."""
        relay = self._relay = Relay(client, None, self._asked, rewrite, self, turn)
        self._turn = turn
        if self._watch is not None:
            self._brief[relay] = self._watch
        connection = self._source.idle(self._key, self._address)
        if connection is None or not self._sent(connection):
            relay.way = Fetching(self._source, self._key, self._address, self._send, relay.failed)

    def _sent(self, connection: Connection) -> bool:
        try:
            self._send(connection)
        except Unsent:
            return False
        return True

    def _send(self, connection: Connection) -> None:
        relay = self._relay
        if relay is not None:
            connection.begin(self._head, relay, bare=self._asked.is_head, turn=self._turn)
            relay.way = connection

    def over(self, relay: Relay) -> None:
        """Nothing more will happen to this try."""
        self._brief.pop(relay, None)
        self._relay = None
        if relay.error is not None and isinstance(relay.error, Unsent) and self._tries and self._turn is not None:
            self._tries -= 1
            self.begin(relay.client, relay.rewrite, self._turn)
        else:
            self._owner.over(relay)
