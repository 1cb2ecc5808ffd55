"""An app that signs connections in by NTLM, and a client that does. Checks nothing by itself."""

import base64
import struct

from tests.harness.app import Visit
from tests.harness.site import FETCH
from tests.harness.wire import Wire

SIGNATURE = b"NTLMSSP\x00"
FLAGS = 0x00028233  # Unicode, OEM, request target, NTLM, always sign, target type domain
TYPE_ONE = base64.b64encode(SIGNATURE + struct.pack("<II", 1, FLAGS) + b"\0" * 16)


def challenge() -> bytes:
    """The second message: a fixed nonce for the domain CORP."""
    target = "CORP".encode("utf-16-le")
    fixed = SIGNATURE + struct.pack("<IHHIIQQHHI", 2, len(target), len(target), 48, FLAGS, 0x0123456789ABCDEF, 0, 0, 0, 48 + len(target))
    return base64.b64encode(fixed + target)


def third(user: str) -> bytes:
    """A third message as small as it may be."""
    name = user.encode("utf-16-le")
    empty = struct.pack("<HHI", 0, 0, 64)
    named = struct.pack("<HHI", len(name), len(name), 64)
    return base64.b64encode(SIGNATURE + struct.pack("<I", 3) + empty * 3 + named + empty * 2 + struct.pack("<I", FLAGS) + name)


class NtlmApp:
    """Remembers the Windows user for the connection. ``/page`` asks nobody to sign in, and names him all the same."""

    def __init__(self, scheme: bytes = b"NTLM", more: bytes = b"") -> None:
        self.users: dict[object, str] = {}
        self.handshakes = 0
        self._scheme, self._more = scheme, more

    async def __call__(self, visit: Visit) -> None:
        await visit.body()
        spoken = (visit.value(b"authorization") or b"").partition(b" ")
        message = base64.b64decode(spoken[2]) if spoken[0].lower() == self._scheme.lower() else b""
        if message[8:9] == b"\x01":
            return await visit.say(self._refused(self._scheme + b" " + challenge()))
        if message[8:9] == b"\x03":
            length, _, offset = struct.unpack_from("<HHI", message, 36)
            self.users[visit.writer] = message[offset : offset + length].decode("utf-16-le")
            self.handshakes += 1
        user = self.users.get(visit.writer, "")
        if not user and b" /windows" in visit.line:
            return await visit.say(self._refused(self._scheme))
        told = f"{user or 'nobody'} {(visit.value(b'remote-user') or b'-').decode()}".encode()
        await visit.say(b"HTTP/1.1 200 OK\r\n" + self._more + b"Content-Length: %d\r\n\r\n" % len(told) + told)

    def _refused(self, offered: bytes) -> bytes:
        return b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: " + offered + b"\r\nContent-Length: 0\r\n\r\n"


async def asked(wire: Wire, cookie: bytes, path: bytes = b"/windows", fields: bytes = b"") -> tuple[int, bytes]:
    """One request of a browser; status and body."""
    await wire.say(b"GET " + path + b" HTTP/1.1\r\nHost: hr.example.com\r\n" + FETCH + cookie + fields + b"\r\n")
    head = await wire.head()
    return int(head[9:12]), await wire.exactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))


async def signs_in(wire: Wire, cookie: bytes, user: str, scheme: bytes = b"NTLM") -> tuple[int, bytes]:
    """The first and the third message; the answer to the third."""
    status, _ = await asked(wire, cookie, fields=b"Authorization: " + scheme + b" " + TYPE_ONE + b"\r\n")
    assert status == 401
    return await asked(wire, cookie, fields=b"Authorization: " + scheme + b" " + third(user) + b"\r\n")
