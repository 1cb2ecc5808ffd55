"""The README cannot drift: its table of keys is made of config/gateway.toml, its links and commands exist."""

import re
import sys
from pathlib import Path

import pytest

from gateway.cli import main

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
_SECTION = re.compile(r"(?P<hidden># )?\[\[?(?P<name>[a-z.]+)\]\]?(?:\s+# .*)?")
_KEY = re.compile(r"(?P<hidden># )?(?P<key>[a-z_]+) = (?P<value>.*?)\s+# (?P<comment>.*)")


def table_of(text: str) -> str:
    """The keys of a commented configuration as a Markdown table: key, value in the file, comment."""
    rows = ["| key | default | what |", "|---|---|---|"]
    section, is_hidden = "", False
    for line in text.splitlines():
        if found := _SECTION.fullmatch(line):
            section, is_hidden = found["name"], bool(found["hidden"])
        elif found := _KEY.fullmatch(line):
            needed = found["comment"].startswith("required")
            default = "" if needed or bool(found["hidden"]) is not is_hidden else f"`{found['value']}`"
            what = found["comment"].replace("|", "\\|")
            rows.append(f"| `{section}.{found['key']}` | {default} | {what} |")
    return "\n".join(rows)


def test_the_table_of_keys_is_the_commented_configuration() -> None:
    table = table_of((ROOT / "config" / "gateway.toml").read_text(encoding="utf-8"))
    assert table.count("\n") > 30
    assert table in README, "make the table anew: python -m tests.house.test_readme"


def test_every_file_and_picture_that_is_linked_exists() -> None:
    linked = [target for target in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in target]
    assert len(linked) >= 8
    assert [target for target in linked if not (ROOT / target).is_file()] == []


@pytest.mark.parametrize("command", sorted(set(re.findall(r"session-gateway ([a-z]+(?:-[a-z]+)*)\b(?! that)", README)) - {"switches"}))
def test_every_command_that_is_named_exists(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command in main.commands


if __name__ == "__main__":
    sys.stdout.write(table_of((ROOT / "config" / "gateway.toml").read_text(encoding="utf-8")) + "\n")
