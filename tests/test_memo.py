"""A cache never changes a value, and keys that an attacker makes up cannot make it grow."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.memo import MOST_SEEN_KEYS, BoundedDict, Memo, RecentCache, SeenKeys


@given(st.lists(st.binary(max_size=6), max_size=40), st.integers(0, 6), st.integers(1, 4))
def test_every_value_is_the_functions_own_and_the_memo_is_bounded(keys: list[bytes], longest: int, most: int) -> None:
    memo = Memo(bytes.upper, longest, most)
    for key in keys:
        assert memo[key] == key.upper()
        assert len(memo) <= most
        assert all(len(kept) <= longest for kept in memo)


def test_what_was_asked_once_is_not_worked_out_again() -> None:
    worked: list[str] = []

    def of(key: str) -> int:
        worked.append(key)
        return len(worked)

    memo = Memo(of, longest=3)
    assert [memo["abc"], memo["abc"], memo["long"], memo["long"]] == [1, 1, 2, 3]
    assert worked == ["abc", "long", "long"]


def test_a_full_dictionary_is_emptied_by_a_new_key_only() -> None:
    bounded: BoundedDict[str, int] = BoundedDict(2)
    for key, value in (("a", 1), ("b", 2), ("a", 3)):
        bounded.store(key, value)
    assert bounded == {"a": 3, "b": 2}
    bounded.store("c", 4)
    assert bounded == {"c": 4}


def test_what_may_not_be_stored_is_computed_each_time() -> None:
    memo = Memo(bytes.upper, is_stored=lambda key, value: key != value)
    assert [memo[b"a"], memo[b"A"]] == [b"A", b"A"] and list(memo) == [b"a"]


def test_what_is_asked_for_stays_and_what_is_not_goes() -> None:
    recent: RecentCache[int, str] = RecentCache(10)
    recent.keep(0, "kept")
    for number in range(1, 100):
        recent.keep(number, str(number))
        assert recent.get(0) == "kept" and len(recent) <= 20
    assert recent.get(1) is None and recent.get(99) == "99" and recent.get(95) == "95"


def test_more_keys_than_there_is_room_for_cost_some_of_it_and_not_all() -> None:
    recent: RecentCache[int, int] = RecentCache(100)
    hits = 0
    for place in range(3000):
        key = place % 150  # more than fit among the young, fewer than among both
        hits += recent.get(key) is not None
        recent.keep(key, key)
    assert hits > 1000


def test_what_is_heavier_takes_more_of_the_memory() -> None:
    recent: RecentCache[int, bytes] = RecentCache(10, len)
    for key in range(4):
        recent.keep(key, b"xxx")
    assert [recent.get(key) for key in (0, 3)] == [b"xxx", b"xxx"]  # three of them fit, the fourth began anew
    recent.keep(4, b"x" * 10)
    recent.keep(5, b"x" * 11)
    assert len(recent) == 2 and recent.get(3) is None and recent.get(4) == b"x" * 10


def test_a_key_that_was_seen_is_known_until_many_newer_keys_came() -> None:
    seen = SeenKeys()
    assert [seen.seen_before(key) for key in (b"a", b"b", b"a", b"b", b"c")] == [False, False, True, True, False]
    for number in range(MOST_SEEN_KEYS):
        seen.seen_before(b"%d" % number)
    assert seen.seen_before(b"a")
    for number in range(2 * MOST_SEEN_KEYS, 4 * MOST_SEEN_KEYS):
        seen.seen_before(b"%d" % number)
    assert not seen.seen_before(b"b")
