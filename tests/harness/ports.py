"""Owns the ports of programs that cannot choose one by themselves."""

import secrets
import socket
from contextlib import suppress

_LOWEST, _HIGHEST, _TRIES = 10_000, 20_000, 100


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nothing listens.

    The system gives its own ports (32,768 and higher) to everybody who asks for any, and to every connection. So a port of those can be
    taken before its program listens. These are lower, and one of many is chosen by chance. The nodes of a Redis Cluster also use the port
    that is 10,000 higher.
    """
    for _ in range(_TRIES):
        port = _LOWEST + secrets.randbelow(_HIGHEST - _LOWEST)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no free port")
