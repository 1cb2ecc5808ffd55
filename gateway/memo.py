"""Small bounded caches for the results of pure functions. Consecutive requests mostly have the same field names, hosts and paths.

- ``BoundedDict``: a dictionary that is emptied when it is full.
- ``Memo``: a ``BoundedDict`` that computes a missing value.
- ``RecentCache``: a cache that forgets the entries that were not used lately.
- ``SeenKeys``: remembers that a key was seen, without a value.

A cache here must never change a result; it only saves work. It must never grow with keys that an attacker makes up. So ``Memo`` does not
store a key that is too long, and a full ``Memo`` starts again from empty. 1,024 keys of 64 bytes take about 0.2 MB, without their
values. A ``Memo`` must never get a secret as its key: an entry can stay as long as the process runs.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

MOST_KEYS = 1024
"""How many keys a cache holds, unless its owner says otherwise."""
LONGEST_KEY = 64
"""Longer keys (bytes or characters) are computed each time and not stored, unless the owner says otherwise."""

MOST_SEEN_KEYS = 16_384
"""When so many new keys were seen, ``SeenKeys`` forgets the oldest generation of keys."""

Key = TypeVar("Key", bytes, str)
AnyKey = TypeVar("AnyKey")
Value = TypeVar("Value")


class BoundedDict(dict[AnyKey, Value], Generic[AnyKey, Value]):
    """A dictionary of at most ``most`` keys. ``store`` empties it when it is full.

    It is a subclass of ``dict``, because a look-up that finds its key then runs in C only.
    """

    __slots__ = ("_most",)

    def __init__(self, most: int = MOST_KEYS) -> None:
        """It is empty."""
        super().__init__()
        self._most = most

    def store(self, key: AnyKey, value: Value) -> None:
        """Store a value, in place of an older one of this key."""
        if len(self) >= self._most and key not in self:
            self.clear()
        self[key] = value


class Memo(BoundedDict[Key, Value], Generic[Key, Value]):
    """A cache of the pure function ``of``: ``memo[key]`` is ``of(key)``."""

    __slots__ = ("_is_stored", "_longest", "_of")

    def __init__(
        self,
        of: Callable[[Key], Value],
        longest: int = LONGEST_KEY,
        most: int = MOST_KEYS,
        is_stored: Callable[[Key, Value], bool] | None = None,
    ) -> None:
        """``of``: a pure function. ``longest``: the longest key that is stored. ``most``: how many keys are stored.

        ``is_stored``: whether a key and its value may be stored; None: each may be.
        """
        super().__init__(most)
        self._of: Callable[[Key], Value] = of
        self._longest = longest
        self._is_stored: Callable[[Key, Value], bool] | None = is_stored

    def __missing__(self, key: Key) -> Value:
        value = self._of(key)
        if len(key) <= self._longest and (self._is_stored is None or self._is_stored(key, value)):
            self.store(key, value)
        return value


class RecentCache(Generic[AnyKey, Value]):
    """A cache of values by key that forgets what was not used lately.

    It has two generations, a new one and an old one, of at most ``most`` entries each. When the new generation is full, it becomes the old
    one, and the former old one is dropped. ``get`` moves an entry from the old generation to the new one. So a burst of new keys removes
    some entries, but never all of them at once.
    """

    __slots__ = ("_most", "_old", "_weigh", "_weight", "_young")

    def __init__(self, most: int = MOST_KEYS, weigh: Callable[[Value], int] | None = None) -> None:
        """The cache is empty. ``most``: the size of one generation. ``weigh``: how much of ``most`` a value takes; None: each value takes
        1.
        """
        self._most = most
        self._weigh = weigh
        self._weight = 0
        self._young: dict[AnyKey, Value] = {}
        self._old: dict[AnyKey, Value] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, key: AnyKey) -> Value | None:
        """The value of this key, or None."""
        found = self._young.get(key)
        if found is None and self._old:
            found = self._old.pop(key, None)
            if found is not None:
                self.keep(key, found)
        return found

    def keep(self, key: AnyKey, value: Value) -> None:
        """Store a value, in place of an older one of this key."""
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


class SeenKeys:
    """Remembers which keys were seen lately. A cache stores a key only when it comes for the second time, because storing a key that comes
    only once costs more than it saves.

    Holds the hashes of at most two times ``MOST_SEEN_KEYS`` keys. Two keys with the same hash count as the same key.
    """

    __slots__ = ("_new", "_old")

    def __init__(self) -> None:
        """No key was seen."""
        self._new: set[int] = set()
        self._old: set[int] = set()

    def seen_before(self, key: bytes) -> bool:
        """Whether this key was seen before. The key counts as seen from now on."""
        hashed = hash(key)
        if hashed in self._new:
            return True
        if len(self._new) >= MOST_SEEN_KEYS:
            self._old, self._new = self._new, set()
        self._new.add(hashed)
        return hashed in self._old
