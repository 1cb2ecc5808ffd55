"""Several workers behind one port: the supervisor that starts, joins and replaces them, and the life of a worker.

    supervisor ──── socket pair ──── worker 0, the keeper: login host, own paths, apps
        │  └─────── socket pair ──── worker 1: apps; relays the rest to the keeper ─▶ Unix socket
        └────────── socket pair ──── worker 2: …

Owns the processes, the channel between them, and the admin address. A revocation in one worker holds in all before its answer is sent; a
worker that cannot confirm that is killed. Must never serve a browser itself. Rules from: DESIGN section 7.
"""

from gateway.supervisor.crew import Crew
from gateway.supervisor.handover import Handover, read
from gateway.supervisor.worker import work

__all__ = ["Crew", "Handover", "read", "work"]
