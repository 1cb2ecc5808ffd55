"""`python -m tests.bench.odd_requests`: send all cases and print the table. Exits 1 where a difference has no explanation."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.bench.odd_requests.comparing import rows, table
from tests.bench.odd_requests.differences import EXPLAINED
from tests.bench.odd_requests.sending import missing, proxies


async def _run(only_differences: bool) -> int:
    with tempfile.TemporaryDirectory() as folder:
        async with proxies(Path(folder)) as running:
            found = [row async for row in rows(running)]
    print(table(found, only_differences))
    return 1 if any(row.differs and row.case not in EXPLAINED for row in found) else 0


def main() -> int:
    """Everything."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.odd_requests", description=__doc__)
    parser.add_argument("--differences", action="store_true", help="print only the cases on which not all agree")
    given = parser.parse_args()
    absent = missing()
    if absent:
        print(f"not installed: {absent}", file=sys.stderr)
        return 2
    return asyncio.run(_run(given.differences))


if __name__ == "__main__":
    sys.exit(main())
