"""A request that is answered without a task: who asked, and what happens when its answer is over.

    listener ─▶ door: forwarded ─▶ (the loop carries bytes) ─▶ over ─▶ one line in the log, the next request

Owns that end: the access log, the counts, and the page where the app gave no answer. Must never wait, and must never raise: it is called by
the loop, from within the app's connection or the client's. Rules from: DESIGN section 5, STYLE "Async", ATTACKS S16.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from gateway.core.crowds import Crowd
from gateway.core.messages import Answer, Malformed, RequestHead
from gateway.core.routing import App
from gateway.doors.answers import as_bytes
from gateway.doors.protected import Going
from gateway.doors.refusals import refused
from gateway.doors.witness import Witness
from gateway.errors import OutsideFailed
from gateway.proxy.heads import Asked
from gateway.proxy.relay import Client, Relay

CLIENT_LEFT = 499
Done = Callable[[bool], None]
"""Hears that the answer is over, and whether the connection goes on behind it."""


class Quick(Protocol):
    """The door behind the app hosts, as far as it needs no waiting."""

    def at_once(self, client: Client, asked: Asked, head: RequestHead, app: App, over: Callable[[Relay], None]) -> Going | None:
        """Forward it now; None where that takes more, and then nothing was sent."""

    def down(self, head: RequestHead, app: App, error: OutsideFailed) -> Answer:
        """What is said where the app gave no answer that could be passed on."""


@dataclass(slots=True)
class Passing:
    """One such request. ``began``: the monotonic second; ``going``: what the door let in, once it did."""

    client: Client
    head: RequestHead
    app: App
    asked: Asked
    began: float
    done: Done
    going: Going | None = None

    def begin(self, door: Quick, crowd: Crowd, witness: Witness) -> bool:
        """Have the door forward it; False where it did not, and then nothing was sent or counted."""
        self.going = door.at_once(self.client, self.asked, self.head, self.app, lambda relay: self._over(relay, door, crowd, witness))
        if self.going is None:
            return False
        crowd.enter(self.head.client)
        witness.metrics.began()
        return True

    def _over(self, relay: Relay, door: Quick, crowd: Crowd, witness: Witness) -> None:
        status, reason, keeps = relay.status, relay.abandoned, relay.keeps
        if relay.abandoned == "client_gone":
            status, reason = CLIENT_LEFT, ""
        elif relay.error is not None:
            status, reason, keeps = self._failed(relay.error, self.asked._replace(keeps=self.asked.keeps and relay.keeps), door, witness)
        elif not relay.has_begun:
            status = CLIENT_LEFT  # broken off before there was anything to say
        crowd.leave(self.head.client)
        going = self.going
        witness.answered(
            self.began,
            status,
            door="app",
            verdict="admit",
            reason=reason,
            app=self.app.name,
            route=going.rule.pattern if going is not None else "",
            method=self.head.method,
            peer=self.head.peer,
            client=self.head.client,
            fingerprint=going.comer.shown if going is not None else "",
        )
        self.done(keeps)

    def _failed(self, error: Exception, asked: Asked, door: Quick, witness: Witness) -> tuple[int, str, bool]:
        """Nothing was written yet, so the client can be told; status, reason, and whether its connection goes on."""
        if isinstance(error, OutsideFailed):
            answer, reason = door.down(self.head, self.app, error), f"upstream_{error.reason}"
        else:
            witness.log.failure("request_failed", error, {"door": "app", "app": self.app.name})
            answer, reason = refused(Malformed(500, "internal"), self.head.fields), ""
        text, keeps = as_bytes(answer, asked)
        if self.client.transport is not None:
            self.client.transport.write(text)
        return answer.status, reason, keeps
