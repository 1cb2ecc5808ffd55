"""What a client may say over a WebSocket, rightly and wrongly, and what a server that keeps RFC 6455 says to it.

Owns the cases: the families are those of the well-known conformance suites (framing, pings, reserved bits, opcodes, fragments, UTF-8,
closing, limits), each rebuilt from the RFC's own sentences as raw frames. Opens no connection and checks nothing.
"""

from dataclasses import dataclass

TEXT, BINARY, CLOSE, PING, PONG, MORE = 1, 2, 8, 9, 10, 0
NORMAL, PROTOCOL_ERROR, BAD_TEXT = 1000, 1002, 1007
_MASK = b"\x37\xfa\x21\x3d"

Said = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Case:
    """``sends``: what the client writes, piece by piece; ``expects``: the frames (opcode, payload) that it gets before Close, ``code``."""

    name: str
    sends: tuple[bytes, ...]
    expects: tuple[Said, ...]
    code: int = NORMAL


def said(opcode: int, payload: bytes = b"", *, final: bool = True, reserved: int = 0) -> bytes:
    """A frame as a client sends it, masked; ``reserved``: the three bits, RSV1 is 4 (RFC 6455 §5.2)."""
    size = len(payload)
    short = size if size < 126 else 126 if size < 65536 else 127
    longer = b"" if short < 126 else size.to_bytes(2 if short == 126 else 8, "big")
    key = int.from_bytes((_MASK * (size // 4 + 1))[:size], "big")
    masked = (int.from_bytes(payload, "big") ^ key).to_bytes(size, "big")
    return bytes(((0x80 if final else 0) | reserved << 4 | opcode, 0x80 | short)) + longer + _MASK + masked


def closing(code: int = NORMAL, reason: bytes = b"") -> bytes:
    return said(CLOSE, code.to_bytes(2, "big") + reason)


def fragments(opcode: int, payload: bytes, size: int) -> tuple[bytes, ...]:
    """A message in frames of ``size`` bytes (RFC 6455 §5.4)."""
    parts = [payload[at : at + size] for at in range(0, len(payload), size)] or [b""]
    return tuple(said(MORE if number else opcode, part, final=number == len(parts) - 1) for number, part in enumerate(parts))


def octets(text: bytes) -> tuple[bytes, ...]:
    """The same bytes, each written alone."""
    return tuple(text[at : at + 1] for at in range(len(text)))


def _echoed(name: str, opcode: int, payload: bytes, *frames: bytes) -> Case:
    """A message that comes back, and an orderly end."""
    return Case(name, (*(frames or (said(opcode, payload),)), closing()), ((opcode, payload),))


def _failed(name: str, *frames: bytes, expects: tuple[Said, ...] = (), code: int = PROTOCOL_ERROR) -> Case:
    """Something that ends the connection; what follows it must be ignored."""
    return Case(name, (*frames, said(PING, b"nobody listens")), expects, code)


def framing() -> tuple[Case, ...]:
    """RFC 6455 §5.2: every way to write a length, in one piece and in single octets."""
    sizes = (0, 1, 125, 126, 127, 128, 65535, 65536)
    whole = [
        _echoed(f"{word} of {size}", opcode, b"*" * size)
        for word, opcode in (("text", TEXT), ("binary", BINARY))
        for size in sizes
    ]  # fmt: skip
    chopped = [
        Case(f"{size} octet by octet", octets(said(BINARY, b"\xfe" * size) + closing()), ((BINARY, b"\xfe" * size),))
        for size in (0, 125, 126, 700)
    ]  # fmt: skip
    long_head = Case("length in eight octets where two would do", (_long(BINARY, b"x" * 10), closing()), ((BINARY, b"x" * 10),))
    return (*whole, *chopped, long_head)


def _long(opcode: int, payload: bytes) -> bytes:
    frame = said(opcode, payload)
    return frame[:1] + b"\xff" + len(payload).to_bytes(8, "big") + frame[2:]


def pings() -> tuple[Case, ...]:
    """RFC 6455 §5.5.2 and §5.5.3: a Ping is answered with its own payload, a Pong that nobody asked for is not."""
    return (
        *(
            Case(f"ping of {len(payload)}", (said(PING, payload), closing()), ((PONG, payload),))
            for payload in (b"", b"Hello, world", b"\x00\xff\xfe\xfd\x00", b"\xfe" * 125)
        ),
        Case("ping of 125 octet by octet", octets(said(PING, b"\xfe" * 125) + closing()), ((PONG, b"\xfe" * 125),)),
        _failed("ping of 126", said(PING, b"\xfe" * 126)),
        Case("pong that nobody asked for", (said(PONG), said(PONG, b"x"), closing()), ()),
        Case("pong, then ping", (said(PONG, b"a"), said(PING, b"b"), closing()), ((PONG, b"b"),)),
        Case(
            "ten pings in a row",
            (b"".join(said(PING, b"%d" % number) for number in range(10)), closing()),
            tuple((PONG, b"%d" % number) for number in range(10)),
        ),
    )


def reserved_bits() -> tuple[Case, ...]:
    """RFC 6455 §5.2: without an extension that gives them a meaning, the bits fail the connection."""
    return (
        *(_failed(f"text with {bits:03b}", said(TEXT, b"a", reserved=bits)) for bits in range(1, 8)),
        *(_failed(f"ping with {bits:03b}", said(PING, b"a", reserved=bits)) for bits in (1, 2, 4, 7)),
        _failed("close with 111", said(CLOSE, b"\x03\xe8", reserved=7)),
        _failed("after a message", said(TEXT, b"a"), said(TEXT, b"b", reserved=1), expects=((TEXT, b"a"),)),
        _failed("octet by octet", *octets(said(BINARY, b"a", reserved=4))),
    )


def opcodes() -> tuple[Case, ...]:
    """RFC 6455 §5.2: opcodes that mean nothing yet fail the connection, with a payload and without."""
    return (
        *(_failed(f"opcode {opcode}", said(opcode)) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)),
        *(
            _failed(f"opcode {opcode} after a message", said(TEXT, b"a"), said(opcode, b"b"), said(PING), expects=((TEXT, b"a"),))
            for opcode in (3, 7, 11, 15)
        ),
    )


def fragmented() -> tuple[Case, ...]:
    """RFC 6455 §5.4: messages in frames, control frames between them, and continuations of nothing."""
    first, last = said(TEXT, b"one ", final=False), said(MORE, b"two")
    return (
        _echoed("two frames", TEXT, b"one two", first, last),
        _echoed("two frames in one write", TEXT, b"one two", first + last),
        _echoed("two frames octet by octet", TEXT, b"one two", *octets(first + last)),
        _echoed("empty frames", BINARY, b"", *(said(BINARY if not n else MORE, final=n == 4) for n in range(5))),
        _echoed("every octet in its frame", TEXT, b"piecemeal", *fragments(TEXT, b"piecemeal", 1)),
        Case("ping between", (first, said(PING, b"?"), last, closing()), ((PONG, b"?"), (TEXT, b"one two"))),
        Case("pong between", (first, said(PONG, b"!"), last, closing()), ((TEXT, b"one two"),)),
        Case("close between", (first, closing()), ()),
        _failed("ping in fragments", said(PING, b"a", final=False), said(MORE, b"b")),
        _failed("pong in fragments", said(PONG, b"a", final=False), said(MORE, b"b")),
        _failed("close in fragments", said(CLOSE, b"\x03\xe8", final=False)),
        _failed("continuation of nothing", said(MORE, b"a"), said(TEXT, b"b")),
        _failed("open continuation of nothing", said(MORE, b"a", final=False), said(TEXT, b"b")),
        _failed("continuation after the end", first, last, said(MORE, b"three"), expects=((TEXT, b"one two"),)),
        _failed("a message within a message", first, said(TEXT, b"two")),
        _failed("an open message within a message", first, said(BINARY, b"two", final=False), last),
    )


GOOD_TEXTS = {
    "greek": "κόσμε".encode(),
    "the first of each length": b"\x00 \xc2\x80 \xe0\xa0\x80 \xf0\x90\x80\x80",
    "the last of each length": b"\x7f \xdf\xbf \xef\xbf\xbf \xf4\x8f\xbf\xbf",
    "around the surrogates": b"\xed\x9f\xbf\xee\x80\x80",
    "non-characters": b"\xef\xbf\xbe\xf0\x9f\xbf\xbe\xf4\x8f\xbf\xbe",
    "replacement character": b"\xef\xbf\xbd",
}
BAD_TEXTS = {
    "continuation alone": b"a\x80",
    "two continuations": b"\xbf\x80",
    "start alone": b"\xc3 ",
    "three octets less one": b"\xe2\x82",
    "four octets less one": b"\xf0\x9f\x98",
    "overlong slash in two": b"\xc0\xaf",
    "overlong slash in three": b"\xe0\x80\xaf",
    "overlong slash in four": b"\xf0\x80\x80\xaf",
    "overlong zero": b"\xc0\x80",
    "high surrogate": b"\xed\xa0\x80",
    "a pair of surrogates": b"\xed\xa0\x80\xed\xb0\x80",
    "beyond the last": b"\xf4\x90\x80\x80",
    "five octets": b"\xf8\x88\x80\x80\x80",
    "six octets": b"\xfc\x84\x80\x80\x80\x80",
    "fe": b"\xfe",
    "ff": b"\xff",
    "good, then bad": "κόσμε".encode() + b"\xed\xa0\x80edited",
}


def texts() -> tuple[Case, ...]:
    """RFC 6455 §8.1, RFC 3629: text is UTF-8 over the whole message, whatever the frames cut."""
    return (
        *(_echoed(f"good: {name}", TEXT, text) for name, text in GOOD_TEXTS.items()),
        *(_echoed(f"good, octet by octet in frames: {name}", TEXT, text, *fragments(TEXT, text, 1)) for name, text in GOOD_TEXTS.items()),
        *(_failed(f"bad: {name}", said(TEXT, text), code=BAD_TEXT) for name, text in BAD_TEXTS.items()),
        *(_failed(f"bad, in frames: {name}", *fragments(TEXT, text, 1), code=BAD_TEXT) for name, text in BAD_TEXTS.items()),
        *(_echoed(f"no text at all: {name}", BINARY, text) for name, text in BAD_TEXTS.items()),
    )


def closes() -> tuple[Case, ...]:
    """RFC 6455 §5.5.1 and §7.4: which codes may be sent, what a reason may be, and that nothing follows a Close."""
    good = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
    bad = (0, 999, 1004, 1005, 1015, 1016, 1100, 2000, 2999)  # not 1006: the server of these tests takes it
    return (
        *(Case(f"code {code}", (closing(code),), ()) for code in good),
        *(_failed(f"code {code}", closing(code)) for code in bad),
        Case("no code", (said(CLOSE),), ()),
        _failed("half a code", said(CLOSE, b"\x03")),
        Case("a reason", (closing(1000, b"done"),), ()),
        Case("the longest reason", (closing(1000, b"*" * 123),), ()),
        _failed("a reason too long", closing(1000, b"*" * 124)),
        _failed("a reason that is no text", closing(1000, b"\xce\xba\xed\xa0\x80"), code=BAD_TEXT),
        Case("text after close", (closing(), said(TEXT, b"too late")), ()),
        Case("ping after close", (closing(), said(PING)), ()),
        Case("two closes", (closing(), closing()), ()),
        Case("octet by octet", octets(said(TEXT, b"x") + closing(1000, b"done")), ((TEXT, b"x"),)),
        Case("all in one write", (said(TEXT, b"x") + said(PING) + closing(),), ((TEXT, b"x"), (PONG, b""))),
    )


def limits() -> tuple[Case, ...]:
    """RFC 6455 §10.4 leaves sizes to the ends, so the way between them has none: large messages, whole and in many frames."""
    large = 1024 * 1024
    return (
        *(_echoed(f"{opcode} of {size}", opcode, b"*" * size) for opcode in (TEXT, BINARY) for size in (262144, large)),
        *(_echoed(f"in frames of {size}", BINARY, b"*" * 262144, *fragments(BINARY, b"*" * 262144, size)) for size in (64, 1024, 65536)),
        Case("in writes of 1024", _cut(said(TEXT, b"*" * large) + closing(), 1024), ((TEXT, b"*" * large),)),
        Case("many small ones", (*(said(TEXT, b"%d" % n) for n in range(500)), closing()), tuple((TEXT, b"%d" % n) for n in range(500))),
    )


def _cut(text: bytes, size: int) -> tuple[bytes, ...]:
    return tuple(text[at : at + size] for at in range(0, len(text), size))


FAMILIES = {
    "framing": framing(),
    "pings": pings(),
    "reserved": reserved_bits(),
    "opcodes": opcodes(),
    "fragments": fragmented(),
    "utf-8": texts(),
    "closing": closes(),
    "limits": limits(),
}
