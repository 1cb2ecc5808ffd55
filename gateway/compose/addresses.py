"""The addresses on which the gateway listens: binds them before anything starts, and shows them to people.

A bound socket listens already (``socket.create_server``); connections wait in its queue until a server accepts them. It is bound early,
so that an address that is taken stops the start before anything else has begun.
"""

import os
import socket
from collections.abc import Callable

from gateway.config import host_of, port_of
from gateway.errors import BadConfig

_EVERY = ("", "0.0.0.0", "::")  # noqa: S104 - compared, not bound


def bind(address: str, problem: Callable[[str], str], *, is_shared: bool = False) -> socket.socket:
    """A bound socket at this address, which listens already but accepts no connection yet.

    Raises `BadConfig`, with the line that ``problem`` makes, if the address cannot be had. ``is_shared``: other processes of this user
    may bind it too.
    """
    host, port = host_of(address), port_of(address)
    try:
        if host is None and socket.has_dualstack_ipv6():
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, reuse_port=is_shared)
        family = socket.AF_INET6 if host is not None and ":" in host else socket.AF_INET
        return socket.create_server((host or "", port), family=family, reuse_port=is_shared)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else type(error).__name__
        raise BadConfig((problem(f"cannot listen on {address} ({why}); stop what listens there, or choose another address"),)) from error


def address_of(address: str) -> tuple[str | None, int]:
    """Host and port of a configured address; the host is None for "every interface"."""
    host = host_of(address)
    return (None if host in _EVERY else host), port_of(address)


def listening_at(bound: socket.socket) -> tuple[str | None, int]:
    """Host and port of a bound socket; the host is None for "every interface"."""
    host, port = bound.getsockname()[:2]
    return (None if host in _EVERY else host), port


def shown_address(bound: socket.socket) -> str:
    """`host:port` of a bound socket, for people and logs."""
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
