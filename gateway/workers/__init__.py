"""Several worker processes on one port: a supervisor that starts, replaces and stops them, and the life of a worker.

    supervisor ──── socket pair ──── worker 0: a whole gateway ──┐
        │  └─────── socket pair ──── worker 1: a whole gateway ──┼── shared state
        └────────── socket pair ──── worker 2: a whole gateway ──┘

Owns the processes, the port, and the admin address. Workers agree on things (revocations, leases) only through the shared state, so no
process waits for another one. The supervisor must never serve a browser.
"""
