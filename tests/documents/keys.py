"""The table of keys in config/README.md, made from config/gateway.toml.

`python -m tests.documents.keys` writes the table. It holds each key with its value and its comment in that file.
"""

import re
from pathlib import Path

CONFIG = Path(__file__).resolve().parents[2] / "config"
README, EXAMPLE = CONFIG / "README.md", CONFIG / "gateway.toml"
BEGIN, END = "<!-- keys: python -m tests.documents.keys -->\n", "<!-- /keys -->"
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
    return "\n".join(rows) + "\n"


def written(text: str) -> str:
    """The text of config/README.md with the table as it is now."""
    before, begin, rest = text.partition(BEGIN)
    if not begin:
        raise ValueError("config/README.md has no place for the table")
    return before + begin + table_of(EXAMPLE.read_text(encoding="utf-8")) + END + rest.partition(END)[2]


if __name__ == "__main__":
    README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")
