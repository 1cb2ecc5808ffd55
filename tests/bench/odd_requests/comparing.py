"""Every case at every proxy, as rows of a table.

Owns the order of the cases, and how the table looks.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from tests.bench.odd_requests.cases import METHODS, TARGETS
from tests.bench.odd_requests.differences import EXPLAINED
from tests.bench.odd_requests.sending import NAMES, Proxies

LONGEST_SHOWN = 40


@dataclass(frozen=True, slots=True)
class ComparedCase:
    """One case, and what became of it at each of ``NAMES``."""

    case: bytes
    words: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether not all of them do the same."""
        return len(set(self.words)) > 1

    def shown(self) -> str:
        """A line of the table."""
        why = EXPLAINED[self.case].why if self.differs and self.case in EXPLAINED else "NOT EXPLAINED" if self.differs else ""
        case = repr(self.case)[2:-1][:LONGEST_SHOWN].replace("|", "\\|")
        return f"| `{case}` | {' | '.join(self.words)} | {why} |"


async def rows(proxies: Proxies) -> AsyncIterator[ComparedCase]:
    """All cases: every target with GET, every method with ``/x``."""
    for case, sent in (*((target, (b"GET", target)) for target in TARGETS), *((method, (method, b"/x")) for method in METHODS)):
        fates = await proxies.fates(*sent)
        yield ComparedCase(case, tuple(fate.shown(b" ".join(sent)) for fate in fates))


def table(found: list[ComparedCase], only_differences: bool) -> str:
    """The rows as Markdown, and how many there are of each kind."""
    lines = [f"| case | {' | '.join(NAMES)} | why |", "|---|" + "---|" * (len(NAMES) + 1)]
    lines += [row.shown() for row in found if row.differs or not only_differences]
    return "\n".join((*lines, "", summary(found)))


def summary(found: list[ComparedCase]) -> str:
    """In two sentences."""
    sides = [sum(row.words[0] == row.words[at] for row in found) for at in range(1, len(NAMES))]
    differing = [row for row in found if row.differs]
    alike = ", ".join(f"with {name} on {count}" for name, count in zip(NAMES[1:], sides, strict=True))
    unexplained = sum(row.case not in EXPLAINED for row in differing)
    return (
        f"{len(found)} cases: all three do the same with {len(found) - len(differing)}, and the gateway agrees {alike}. "
        f"{len(differing)} differ, {unexplained} of them unexplained."
    )
