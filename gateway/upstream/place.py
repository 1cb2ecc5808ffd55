"""Where one server of an app is reached: a value, and its name for logs.

Owns nothing that is open: whoever connects does. Must never carry a secret; a client certificate lives inside of ``tls``.
"""

import ssl
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """One server: ``host`` (no brackets) and ``port``, or the Unix socket at ``path`` (then ``host`` is empty and ``port`` 0).

    ``tls``: the context of an https server, None for plain http; ``server_name``: the name its certificate has to bear.
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
