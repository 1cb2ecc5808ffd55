"""Sealed texts with one character changed."""

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def tampered(sealed: str) -> list[str]:
    """Every one of its characters replaced, in turn; cut, lengthened, emptied."""
    other = [sealed[:at] + ALPHABET[(ALPHABET.index(sealed[at]) + 1) % 64] + sealed[at + 1 :] for at in range(len(sealed))]
    return [*other, sealed[:-1], sealed[:-4], sealed + "A", sealed + "=", sealed + "%00", "", sealed[::-1], sealed.swapcase(), sealed * 2]
