"""Writes TROUBLESHOOTING.md from `gateway/observe/reasons`: every code, what happened, and what to do.

    python deploy/troubleshooting.py

Owns the whole file. A test fails if the file is out of date, or if a code in the source has no row.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from gateway.observe.reasons import CAUSES, EVENTS, GROUPS, Reason

FILE = Path(__file__).resolve().parent / "TROUBLESHOOTING.md"

_HEAD = """# Troubleshooting

Every word that the log, a page or an answer uses for what went wrong. This file is made by `python deploy/troubleshooting.py`.

Each request has an id: on its line of the log (`request_id`), on our own page ("Request"), in `X-Request-Id` to the app and in the answer.
Look for the id in the log, then for the `reason` of that line here. `upstream_X` is X of an app; `cut_short:X` is an answer that broke off
half-way because of X; `nonsense:X` names the rule X of HTTP that an answer broke; `step_up_X` is X on a page; `status_X`: Okta
answered with the status X.

`session-gateway check --config FILE --online` says what is wrong with the configuration, and why the org or an app does not answer.
"""


def text() -> str:
    """Return the text of the file."""
    parts = [_HEAD]
    parts += [f"## {title}\n\n{_table(reasons)}" for title, reasons in GROUPS.items()]
    parts.append(f"## Why a server failed\n\n`cause` of the events `upstream_failed` and `okta_failed`.\n\n{_table(CAUSES)}")
    parts.append(
        f"## Events\n\nLines of the log that are not about one request. Those with * are written once, and then counted.\n\n{_events()}"
    )
    return "\n".join(parts)


def _table(reasons: Mapping[str, Reason]) -> str:
    rows = (f"| `{code}` | {_cell(reason.what)} | {_cell(reason.do)} |\n" for code, reason in sorted(reasons.items()))
    return "| code | what happened | what to do |\n|---|---|---|\n" + "".join(rows)


def _events() -> str:
    return "| event | level | what happened | what to do |\n|---|---|---|---|\n" + "".join(_event_rows())


def _event_rows() -> Iterator[str]:
    for name, event in sorted(EVENTS.items()):
        yield f"| `{name}`{'*' if event.floods else ''} | {event.level} | {_cell(event.what)} | {_cell(event.do)} |\n"


def _cell(words: str) -> str:
    return words.replace("|", "\\|")


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"{FILE}: {sum(map(len, GROUPS.values())) + len(CAUSES) + len(EVENTS)} codes\n")
