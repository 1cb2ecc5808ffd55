"""Where one WebSocket frame ends and the next begins: enough of RFC 6455 to stop in the right place, and no more.

Owns the reading of frame heads in one direction. Must never look into a payload: masks, texts, compression and extensions are the
business of the two ends, so they find the same peer through the gateway as without it. Pure: bytes in, lengths out.
Rules from: RFC 6455 §5.2 (frame), §5.4 (fragments), §7.4.1 (close codes).
"""

from collections.abc import Callable

CLOSE = 0x8
_CONTROL = 0x8
_FINAL = 0x80
_MASKED = 0x80


class Frames:
    """Follows one direction of a connection. ``at_boundary``: no frame is under way; ``closed``: a Close frame went by."""

    def __init__(self, largest_message_bytes: int | None = None) -> None:
        """``largest_message_bytes``: bound on a data message over all its fragments; None is no bound."""
        self._largest = largest_message_bytes
        self._head = b""
        self._left = 0
        self._message_bytes = 0
        self.closed = False

    @property
    def at_boundary(self) -> bool:
        """Whether everything so far was whole frames, so that a frame of our own could follow."""
        return not self._head and self._left == 0

    def admitted(self, received: bytes) -> int:
        """How many of these bytes may pass: all, or those before the frame with which a message becomes too large.

        After fewer than all nothing more may be fed. Bytes of a head that is not complete pass; the frame is judged when it is,
        and where it is refused then, there is no boundary any more.
        """
        position = 0
        while position < len(received):
            if self._left:
                step = min(self._left, len(received) - position)
                self._left -= step
                position += step
                continue
            begun_at, is_whole = position, not self._head
            needed = _head_bytes(self._head + received[position : position + 14]) - len(self._head)
            self._head += received[position : position + needed]
            position += min(needed, len(received) - position)
            if len(self._head) < _head_bytes(self._head):
                return position
            if not self._begin():
                self._left = 0 if is_whole else 1
                return begun_at
        return position

    def _begin(self) -> bool:
        head, self._head = self._head, b""
        self._left = _payload_bytes(head) + (4 if head[1] & _MASKED else 0)
        if head[0] & 0x0F == CLOSE:
            self.closed = True
        if head[0] & _CONTROL:
            return True
        self._message_bytes += _payload_bytes(head)
        if self._largest is not None and self._message_bytes > self._largest:
            return False
        if head[0] & _FINAL:
            self._message_bytes = 0
        return True


def _head_bytes(head: bytes) -> int:
    """Length of a frame's head without the mask, as far as ``head`` tells."""
    if len(head) < 2:
        return 2
    return 2 + {126: 2, 127: 8}.get(head[1] & 0x7F, 0)


def _payload_bytes(head: bytes) -> int:
    short = head[1] & 0x7F
    return short if short < 126 else int.from_bytes(head[2:], "big")


def close_frame(code: int, mask: Callable[[int], bytes] | None = None) -> bytes:
    """A Close frame with this code and no reason; ``mask(4)`` gives the mask that a client has to put on it."""
    payload = code.to_bytes(2, "big")
    if mask is None:
        return bytes((_FINAL | CLOSE, len(payload))) + payload
    key = mask(4)
    return bytes((_FINAL | CLOSE, _MASKED | len(payload))) + key + bytes(byte ^ key[at] for at, byte in enumerate(payload))
