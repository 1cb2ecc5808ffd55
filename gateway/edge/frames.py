"""Finds where one WebSocket frame ends and the next begins.

The gateway needs this to insert its own Close frame between two frames, and to limit the size of messages. It needs no more of RFC 6455.
Owns the reading of frame heads in one direction. Must never look into a payload: masks, texts, compression and extensions are left to
the browser and the app, which therefore behave as without the gateway. Pure: bytes in, lengths out.
Rules from: RFC 6455 §5.2 (frame), §5.4 (fragments), §7.4.1 (close codes).
"""

from collections.abc import Callable

CLOSE = 0x8
_CONTROL = 0x8
_FINAL = 0x80
_MASKED = 0x80


class Frames:
    """Follows one direction of a connection. ``at_boundary``: not in the middle of a frame. ``closed``: a Close frame has passed."""

    def __init__(self, largest_message_bytes: int | None = None) -> None:
        """``largest_message_bytes``: the limit for one data message, all fragments together; None: no limit."""
        self._largest = largest_message_bytes
        self._head = b""
        self._left = 0
        self._message_bytes = 0
        self.closed = False

    @property
    def at_boundary(self) -> bool:
        """Whether only whole frames have passed so far, so that the gateway may insert a frame of its own."""
        return not self._head and self._left == 0

    def admitted(self, received: bytes) -> int:
        """How many of these bytes may pass: all, or only those before the frame that makes a message too large.

        After a result below ``len(received)``, do not call this again. The bytes of an incomplete frame head pass; the frame is judged
        when its head is complete. If it is refused then, a part of it has already passed, and ``at_boundary`` stays False.
        """
        position = 0
        while position < len(received):
            if self._left:
                step = min(self._left, len(received) - position)
                self._left -= step
                position += step
                continue
            if not self._head and position + 1 < len(received) and received[position + 1] & 0x7F < 126:
                # Nearly every head: it is here, and has two bytes. A client may send 100,000 such frames at once.
                if not self._enter(received[position], received[position + 1] & 0x7F):
                    return position
                self._left = (received[position + 1] & 0x7F) + (4 if received[position + 1] & _MASKED else 0)
                position += 2
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
        return self._enter(head[0], _payload_bytes(head))

    def _enter(self, first: int, payload_bytes: int) -> bool:
        """Note a frame with this first byte. False if it makes its message too large."""
        if first & 0x0F == CLOSE:
            self.closed = True
        if first & _CONTROL:
            return True
        self._message_bytes += payload_bytes
        if self._largest is not None and self._message_bytes > self._largest:
            return False
        if first & _FINAL:
            self._message_bytes = 0
        return True


def _head_bytes(head: bytes) -> int:
    """The length of a frame's head without the mask. ``head``: the bytes of it that have arrived."""
    if len(head) < 2:
        return 2
    return 2 + {126: 2, 127: 8}.get(head[1] & 0x7F, 0)


def _payload_bytes(head: bytes) -> int:
    short = head[1] & 0x7F
    return short if short < 126 else int.from_bytes(head[2:], "big")


def close_frame(code: int, mask: Callable[[int], bytes] | None = None) -> bytes:
    """A Close frame with this code and no reason. ``mask(4)`` returns the four mask bytes of a frame to a server; None: to a client."""
    payload = code.to_bytes(2, "big")
    if mask is None:
        return bytes((_FINAL | CLOSE, len(payload))) + payload
    key = mask(4)
    return bytes((_FINAL | CLOSE, _MASKED | len(payload))) + key + bytes(byte ^ key[at] for at, byte in enumerate(payload))
