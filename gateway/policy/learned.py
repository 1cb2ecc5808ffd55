"""What a pure function said of a key, remembered: the names, hosts and paths of one request are those of the next.

Owns the one shape of such a memory. Must never change an answer, only save the work; must never hold a secret; and must never grow
with what strangers make up: a key that is too long is answered and forgotten, and a full memory begins anew. At most 1,024 keys of
at most 64 bytes are about 0.2 MB, values aside.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

MOST_KEYS = 1024
LONGEST_KEY = 64

MOST_SIGHTS = 16_384

Key = TypeVar("Key", bytes, str)
Any_Key = TypeVar("Any_Key")
Value = TypeVar("Value")


class Learned(dict[Key, Value], Generic[Key, Value]):
    """``learned[key]`` is ``of(key)``. A dictionary, because a look-up in one that finds something never leaves C."""

    __slots__ = ("_longest", "_most", "_of")

    def __init__(self, of: Callable[[Key], Value], longest: int = LONGEST_KEY, most: int = MOST_KEYS) -> None:
        """``of``: pure; ``longest``: the length of a key that is kept; ``most``: how many are."""
        super().__init__()
        self._of: Callable[[Key], Value] = of
        self._longest = longest
        self._most = most

    def __missing__(self, key: Key) -> Value:
        value = self._of(key)
        if len(key) <= self._longest:
            if len(self) >= self._most:
                self.clear()
            self[key] = value
        return value


class Recent(Generic[Any_Key, Value]):
    """What was found for a key, as long as it is asked for: at most twice ``most`` of them. When so many are new, those go that nobody has
    asked for since the last time; so more keys than it holds cost some of it, and not all at once."""

    __slots__ = ("_most", "_old", "_weigh", "_weight", "_young")

    def __init__(self, most: int = MOST_KEYS, weigh: Callable[[Value], int] | None = None) -> None:
        """Nothing is known yet. ``weigh``: how much of ``most`` a value takes; None: each takes 1."""
        self._most = most
        self._weigh = weigh
        self._weight = 0
        self._young: dict[Any_Key, Value] = {}
        self._old: dict[Any_Key, Value] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, key: Any_Key) -> Value | None:
        """What is known of it, or None."""
        found = self._young.get(key)
        if found is None and self._old:
            found = self._old.pop(key, None)
            if found is not None:
                self.keep(key, found)
        return found

    def keep(self, key: Any_Key, value: Value) -> None:
        """Remember it."""
        weight = self._weight_of(value)
        known = self._young.get(key)
        if known is not None:
            self._weight -= self._weight_of(known)
        elif self._weight + weight > self._most:
            self._old, self._young, self._weight = self._young, {}, 0
        self._young[key] = value
        self._weight += weight

    def _weight_of(self, value: Value) -> int:
        return 1 if self._weigh is None else self._weigh(value)


class Sights:
    """Which keys came lately: what comes only once is not worth remembering, and costs more to remember than to find again.

    Holds the hashes of between one and two times ``MOST_SIGHTS`` keys. Two keys of one hash are taken for one.
    """

    __slots__ = ("_new", "_old")

    def __init__(self) -> None:
        """Nothing came yet."""
        self._new: set[int] = set()
        self._old: set[int] = set()

    def came_before(self, key: bytes) -> bool:
        """Whether it did; from now on it has."""
        sight = hash(key)
        if sight in self._new:
            return True
        if len(self._new) >= MOST_SIGHTS:
            self._old, self._new = self._new, set()
        self._new.add(sight)
        return sight in self._old
