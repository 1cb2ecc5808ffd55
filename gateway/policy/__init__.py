"""The rules of the gateway, as pure functions: values and ``now`` go in, values come out.

No clock, socket, file, log, chance or ``await``. Who reads this package knows everything that the gateway decides;
the rest of the project waits, carries bytes and draws pages. It imports nothing else of the gateway.
"""
