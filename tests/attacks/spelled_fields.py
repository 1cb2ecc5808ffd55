"""The spellings of a field name that an app may read as the same one."""

import itertools


def spellings(name: str) -> list[str]:
    """The name in every mixture of separators and in three cases."""
    parts = name.split("-")
    mixed = [
        "".join(itertools.chain.from_iterable(zip(parts, (*separators, ""), strict=True)))
        for separators in itertools.product("-_.!~'", repeat=len(parts) - 1)
    ]
    return [case(text) for text in mixed for case in (str.title, str.lower, str.upper)]


def lines(names: list[str], value: str = "admin") -> bytes:
    return "".join(f"{name}: {value}\r\n" for name in names).encode()
