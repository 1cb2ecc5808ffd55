"""Compression of sealed values (*notes*) before they are sealed, so that they fit into a cookie.

Okta's cookies use about 64 different characters, so eight bits for each are too many. Only Huffman codes for single characters are used.
It must never replace a repeated string by a reference to its first occurrence. An attacker chooses the return path in a ticket; if that
path repeated a part of a secret, the shorter result would tell the attacker so (the attacks CRIME and BREACH).
Source: RFC 1951 §3.2 (Huffman codes).
"""

import zlib
from typing import Final

SQUEEZED_FROM_BYTES: Final = 1024
"""Smaller notes are not compressed, because they fit into a cookie anyway."""
LARGEST_NOTE_BYTES: Final = 256 * 1024
_MARK: Final = b"z"
"""The first byte of a compressed text. A JSON list never begins with it."""
_RAW: Final = -15
"""zlib's window size for a stream without header and checksum. The seal protects the bytes already."""


def squeezed(text: bytes) -> bytes:
    """The text of a note, compressed if it is long and becomes shorter by that."""
    if len(text) < SQUEEZED_FROM_BYTES:
        return text
    coder = zlib.compressobj(9, zlib.DEFLATED, _RAW, 9, zlib.Z_HUFFMAN_ONLY)
    return min(_MARK + coder.compress(text) + coder.flush(), text, key=len)


def unsqueezed(payload: bytes) -> bytes:
    """The original text. Raises ValueError if ``squeezed`` did not make these bytes."""
    if payload[:1] != _MARK:
        return payload
    coder = zlib.decompressobj(_RAW)
    try:
        text = coder.decompress(payload[1:], LARGEST_NOTE_BYTES)
    except zlib.error as error:
        raise ValueError("squeezed") from error
    if not coder.eof or coder.unused_data:
        raise ValueError("squeezed")
    return text
