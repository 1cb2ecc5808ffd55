"""A request that is answered without a task: who asked, and what happens when its answer is over.

    listener ─▶ door: forwarded ─▶ (the loop carries bytes) ─▶ over ─▶ one line in the log, the next request

Owns that end: the access log, the counts, and the page where the app gave no answer. Must never wait, and must never raise: it is called by
the loop, from within the app's connection or the client's. Rules from: DESIGN section 5, STYLE "Async", ATTACKS S16.
"""

from dataclasses import dataclass, replace
from typing import Final, Protocol

from gateway.core.crowds import Crowd
from gateway.core.messages import Answer, Malformed, RequestHead
from gateway.core.routing import App
from gateway.doors.answers import as_bytes
from gateway.doors.protected import Familiar, Going, Line
from gateway.doors.refusals import refused
from gateway.doors.subrequest import Reply
from gateway.doors.witness import Witness
from gateway.errors import OutsideFailed
from gateway.proxy.heads import Asked
from gateway.proxy.relay import Client, Owner, Relay
from gateway.proxy.turn import Turn

CLIENT_LEFT: Final = 499


class Quick(Protocol):
    """The door behind the app hosts, as far as it needs no waiting."""

    def at_once(self, client: Client, asked: Asked, known: Familiar, line: Line, owner: Owner) -> Going | None:
        """Forward it now; None where that takes more, and then nothing was sent."""

    def down(self, head: RequestHead, app: App, error: OutsideFailed) -> Answer:
        """What is said where the app gave no answer that could be passed on."""


@dataclass(frozen=True, slots=True)
class Passage:
    """The door that such requests pass, and who counts them."""

    door: Quick
    crowd: Crowd
    witness: Witness


class Passing(Owner):
    """One such request; ``began``: the monotonic second."""

    __slots__ = ("_asked", "_began", "_client", "_going", "_known", "_line", "_passage")

    def __init__(self, passage: Passage, client: Client, known: Familiar, line: Line, asked: Asked, began: float) -> None:
        """Nothing is sent yet."""
        self._passage = passage
        self._client = client
        self._known = known
        self._line = line
        self._asked = asked
        self._began = began
        self._going: Going | None = None

    def begin(self) -> bool:
        """Have the door forward it; False where it did not, and then nothing was sent or counted."""
        self._going = self._passage.door.at_once(self._client, self._asked, self._known, self._line, self)
        if self._going is None:
            return False
        self._passage.crowd.enter(self._known.head.client)
        self._passage.witness.metrics.began()
        return True

    def over(self, relay: Relay) -> None:
        """Say so to whoever counts, and go on."""
        going = self._going
        if going is None:
            return self._client.done(False)  # it failed while it was begun, and is counted by whoever noticed
        status, reason, keeps = relay.status, relay.abandoned, relay.keeps
        if relay.abandoned == "client_gone":
            status, reason = CLIENT_LEFT, ""
        elif relay.error is not None:
            status, reason, keeps = self._failed(relay.error, replace(self._asked, keeps=self._asked.keeps and relay.keeps))
        elif not relay.has_begun:
            status = CLIENT_LEFT  # broken off before there was anything to say
        head = self._known.head
        self._passage.crowd.leave(head.client)
        self._passage.witness.answered(
            self._began,
            status,
            door="app",
            verdict="admit",
            reason=reason,
            app=self._known.app.name,
            route=going.rule.pattern,
            method=self._line.method,
            peer=head.peer,
            client=head.client,
            fingerprint=going.comer.shown,
        )
        self._client.done(keeps)

    def _failed(self, error: Exception, asked: Asked) -> tuple[int, str, bool]:
        """Nothing was written yet, so the client can be told; status, reason, and whether its connection goes on."""
        if isinstance(error, OutsideFailed):
            answer, reason = self._passage.door.down(self._known.head, self._known.app, error), f"upstream_{error.reason}"
        else:
            self._passage.witness.log.failure("request_failed", error, {"door": "app", "app": self._known.app.name})
            answer, reason = refused(Malformed(500, "internal"), self._known.head.fields), ""
        text, keeps = as_bytes(answer, asked)
        if self._client.transport is not None:
            self._client.transport.write(text)
        return answer.status, reason, keeps


def tell(client: Client, head: RequestHead, reply: Reply, asked: Asked, began: float, witness: Witness, turn: Turn) -> bool:
    """Write a reply to a front proxy in this turn of the loop; True, where the client is still here. It is told behind it."""
    if client.transport is None:
        return False
    text, keeps = as_bytes(reply.answer, asked)

    def say() -> None:
        if client.transport is not None:
            client.transport.write(text)

    def over() -> None:
        witness.answered(
            began,
            reply.answer.status,
            door="auth",
            verdict=reply.verdict,
            reason=reply.reason,
            app=reply.app,
            route=reply.route,
            method=head.method,
            peer=head.peer,
            client=head.client,
            fingerprint=reply.fingerprint,
        )
        client.done(keeps)

    witness.metrics.began()
    turn.write(say)
    turn.behind(over)
    return True
