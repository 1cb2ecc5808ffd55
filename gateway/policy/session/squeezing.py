"""Notes in fewer bytes before they are sealed: Okta's cookies are text, and eight bits for one letter of 64 are too many.

Owns that form. Must never code a repeated string by its first occurrence: a stranger chooses the return path in a ticket, and the length of
a text in which his words stand for an equal part of a secret would tell him that they are equal (the attacks CRIME and BREACH). Only single
letters are coded here. Source: RFC 1951 §3.2 (Huffman codes).
"""

import zlib
from typing import Final

SQUEEZED_FROM_BYTES: Final = 1024
"""Smaller notes fit anywhere as they are."""
LARGEST_NOTE_BYTES: Final = 256 * 1024
_MARK: Final = b"z"
"""In front of a squeezed text; JSON never begins so."""
_RAW: Final = -15
"""Without zlib's own header and checksum: the seal has one."""


def squeezed(text: bytes) -> bytes:
    """The text of a note, shorter where it is long and can be."""
    if len(text) < SQUEEZED_FROM_BYTES:
        return text
    coder = zlib.compressobj(9, zlib.DEFLATED, _RAW, 9, zlib.Z_HUFFMAN_ONLY)
    return min(_MARK + coder.compress(text) + coder.flush(), text, key=len)


def unsqueezed(payload: bytes) -> bytes:
    """The text again; raises ValueError for what ``squeezed`` did not make."""
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
