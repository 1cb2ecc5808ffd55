"""TLS of the public listener: the certificate for new connections, and its replacement without a restart.

Reads the files again on SIGHUP, and when a check every ten seconds sees a change. Must never serve a half-replaced pair: both files are
first read into a new context, and if that fails, the old pair stays. Open connections keep the certificate that they began with. Rules
from: RFC 8446, RFC 9325 (TLS 1.2 at least), RFC 7301 (ALPN).
"""

import asyncio
import ssl
from pathlib import Path

from gateway.config.certificates import Pair, expiry_of, pair_problem, read_pair
from gateway.observe import Tell

LOOK_SECONDS = 10.0
_Stamp = tuple[tuple[int, int, int] | None, ...]


class Certificates:
    """The two files, and the pair that is in use. Call ``watch``, and ``aclose`` at the end."""

    def __init__(self, pair: Pair, tell: Tell) -> None:
        """Raises `OSError` if the files cannot be used; ``pair_problem`` says why."""
        self._pair = pair
        self._tell = tell
        self._stamp = _stamp(pair)
        self._current, self._until = read_pair(pair), expiry_of(pair)
        self._watching: asyncio.Task[None] | None = None
        self.context = _listening_context()
        read_pair(pair, self.context)
        # OpenSSL calls this for every client, also without SNI. It then uses the certificate of the context that ``_choose`` sets.
        self.context.sni_callback = self._choose

    def watch(self) -> None:
        """Begin to check the files for changes."""
        self._watching = asyncio.create_task(self._watch(), name="certificate")

    async def aclose(self) -> None:
        """Stop checking."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait({self._watching})

    @property
    def until(self) -> float:
        """When the certificate for new connections expires, in Unix time."""
        return self._until

    def reload(self) -> bool:
        """Read the files again. False, with a log event, if they cannot be used; then the old pair stays."""
        self._stamp = _stamp(self._pair)
        problem = pair_problem(self._pair)
        if problem is not None:
            self._tell("certificate_refused", {"problem": problem.text})
            return False
        try:
            self._current, self._until = read_pair(self._pair), expiry_of(self._pair)
        except OSError as error:  # they changed after ``pair_problem`` read them
            self._tell("certificate_refused", {"problem": type(error).__name__})
            return False
        self._tell("certificate_loaded", {})
        return True

    def look(self) -> None:
        """Read the files again if they changed."""
        if _stamp(self._pair) != self._stamp:
            self.reload()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.look()

    def _choose(self, client: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        client.context = self._current


def _listening_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    return context


def _stamp(pair: Pair) -> _Stamp:
    return tuple(_stamp_of(file) for file in (pair.certificate, pair.key))


def _stamp_of(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
