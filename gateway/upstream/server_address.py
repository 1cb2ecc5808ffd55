"""The address of one app server: host and port, or a Unix socket, with TLS or without; and its form for logs.

A value: it holds no open connection. Must never carry a secret; a client certificate is inside of the context ``tls``.
"""

import ssl
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """The address of one server: ``host`` (no brackets) and ``port``, or ``path`` of a Unix socket (then ``host`` is empty and ``port`` 0).

    ``tls``: the context of an https server, None for plain http. ``server_name``: the name that must be in its certificate.
    """

    host: str
    port: int
    path: str | None = None
    tls: ssl.SSLContext | None = None
    server_name: str | None = None

    def __str__(self) -> str:
        if self.path is not None:
            return f"unix:{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'http' if self.tls is None else 'https'}://{host}:{self.port}"
