"""Salary slips with made-up numbers. The same person and month always give the same numbers; another person gives others.

Owns: the arithmetic. Must never hold a real salary.
"""

import re
from dataclasses import dataclass
from hashlib import sha256

MONTHS = ("2026-10", "2026-09", "2026-08")
_MONTH = re.compile(r"20[0-9]{2}-(?:0[1-9]|1[0-2])", re.ASCII)
_MONTH_NAMES = "January February March April May June July August September October November December".split()  # noqa: SIM905 - a table of names


@dataclass(frozen=True, slots=True)
class Slip:
    """One month of one person; amounts in cents, deductions negative."""

    month: str
    lines: tuple[tuple[str, int], ...]

    @property
    def gross(self) -> int:
        """The sum of the earnings."""
        return sum(cents for _, cents in self.lines if cents > 0)

    @property
    def deducted(self) -> int:
        """The sum of the deductions, negative."""
        return sum(cents for _, cents in self.lines if cents < 0)

    @property
    def net(self) -> int:
        """The amount that is paid out."""
        return self.gross + self.deducted


def is_month(text: str) -> bool:
    """Return whether the text is a month of this century, such as `2026-10`."""
    return _MONTH.fullmatch(text) is not None


def month_name(month: str) -> str:
    """Return `October 2026` for `2026-10`."""
    return f"{_MONTH_NAMES[int(month[5:]) - 1]} {month[:4]}"


def money(cents: int) -> str:
    """Return an amount as `1,234.56`, with a true minus sign."""
    return f"{'−' if cents < 0 else ''}{abs(cents) // 100:,}.{abs(cents) % 100:02d}"


def slip(user: str, month: str) -> Slip:
    """Return the slip of this person for this month."""
    person = int.from_bytes(sha256(user.encode("utf-8", "replace")).digest()[:4])
    extra = int.from_bytes(sha256(f"{user} {month}".encode("utf-8", "replace")).digest()[:2])
    basic, nights = 290_000 + person % 150_000, 4_000 + extra % 30_000
    taxed = basic + nights
    return Slip(
        month,
        (
            ("Basic salary", basic),
            ("Night and weekend hours", nights),
            ("Travel allowance", 4_900),
            ("Income tax", -taxed * 17 // 100),
            ("Health insurance", -taxed * 8 // 100),
            ("Pension", -taxed * 9 // 100),
        ),
    )
