"""Writes a table of all values of the chart, from values.yaml and its comments, into README.md beside this file.

    python deploy/helm/values_table.py

Owns the text between the two marks of the README, and nothing else there. The text of a value is the comment on its line, or on the
lines before it. Must never leave a value out: a value without a comment is an error. Needs PyYAML. A test fails if the table is old.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import yaml

HERE = Path(__file__).resolve().parent
VALUES, README = HERE / "session-gateway" / "values.yaml", HERE / "README.md"
BEGIN, END = "<!-- values: begin -->\n", "<!-- values: end -->\n"
LARGEST_DEFAULT = 90


class Value(NamedTuple):
    """One value: its path with dots, its default as JSON, and the text of its comment."""

    path: str
    default: str
    text: str


def values_of(source: str) -> list[Value]:
    """Return all values of a values.yaml, in its order; ``ValueError`` if one has no comment."""
    root = yaml.compose(source, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        raise ValueError("the values are no mapping")
    return list(_below(root, (), source.splitlines()))


def table_of(values: Sequence[Value]) -> str:
    """Return the values as a table in Markdown."""
    lines = ["| value | default | what |", "|---|---|---|"]
    lines += [f"| `{value.path}` | `{value.default}` | {value.text} |" for value in values]
    return "\n".join(lines) + "\n"


def with_table(readme: str, table: str) -> str:
    """Return the README with this table between its marks."""
    before, _, rest = readme.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"no lines {BEGIN!r} and {END!r}")
    return before + BEGIN + table + END + after


def _below(node: yaml.MappingNode, path: tuple[str, ...], lines: Sequence[str]) -> Iterator[Value]:
    for key, value in node.value:
        name = (*path, key.value)
        text = _comment(lines, key.start_mark.line, value)
        has_children = isinstance(value, yaml.MappingNode) and not value.flow_style
        if has_children and not (text and _is_described_whole(value, lines)):
            yield from _below(value, name, lines)
        elif text:
            yield Value(".".join(name), _default(value), text.replace("|", "\\|"))
        else:
            raise ValueError(f"{'.'.join(name)}: has no comment")


def _is_described_whole(node: yaml.MappingNode, lines: Sequence[str]) -> bool:
    """Return whether no value below has its own comment. Then the comment above is about all of them."""
    return not any(_comment(lines, key.start_mark.line, value) for key, value in node.value)


def _comment(lines: Sequence[str], line: int, value: yaml.Node) -> str:
    """Return the comment at the end of the value's line, or the comment lines directly before it."""
    stands_whole_here = value.start_mark.line == value.end_mark.line == line
    column = value.end_mark.column if stands_whole_here else lines[line].index(":") + 1
    beside = lines[line][column:].partition("#")[2].strip()
    before: list[str] = []
    while line > 0 and lines[line - 1].lstrip().startswith("#"):
        line -= 1
        before.insert(0, lines[line].strip().removeprefix("#").strip())
    return beside or " ".join(before)


def _default(node: yaml.Node) -> str:
    value = yaml.safe_load(yaml.serialize(node))
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LARGEST_DEFAULT and "|" not in text else "…"


def main() -> None:
    """Write the table into the README."""
    table = table_of(values_of(VALUES.read_text(encoding="utf-8")))
    README.write_text(with_table(README.read_text(encoding="utf-8"), table), encoding="utf-8")
    sys.stdout.write(f"{README}: {table.count(chr(10)) - 2} values\n")


if __name__ == "__main__":
    main()
