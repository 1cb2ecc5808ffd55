"""Two keys, and nonces that are the same in every run."""

from collections.abc import Callable

OLD, NEW = b"o" * 32, b"n" * 32


def counting() -> Callable[[int], bytes]:
    """A source of nonces that never repeats and is the same in every run."""
    seen = 0

    def random(size: int) -> bytes:
        nonlocal seen
        seen += 1
        return seen.to_bytes(size, "big")

    return random
