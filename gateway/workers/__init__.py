"""Several workers behind one port: the supervisor that starts, replaces and ends them, and the life of a worker.

    supervisor ──── socket pair ──── worker 0: a whole gateway ──┐
        │  └─────── socket pair ──── worker 1: a whole gateway ──┼── shared state
        └────────── socket pair ──── worker 2: a whole gateway ──┘

Owns the processes, the port, and the admin address. What workers must agree on goes by the shared state alone, so no process waits for
another one. Must never serve a browser in the supervisor.
"""

from gateway.workers.alone import alone
from gateway.workers.handover import Handover, read
from gateway.workers.supervisor import Supervisor
from gateway.workers.worker import work

__all__ = ["Handover", "Supervisor", "alone", "read", "work"]
