"""Every row of the field has a test in its id's name, or is in the list of what later work owes."""

import ast
import re
from pathlib import Path

OWED_GROUPS = "VW"
PAID = frozenset(
    (
        *("w1", "w2", "w3", "w4", "w5", "w6", "w7", "w8", "w9", "w10", "w11", "w12", "w13", "w14"),
        *("v1", "v2", "v3", "v4", "v5", "v6", "v8", "v9"),
    )
)
"""Of these groups."""
OWED = frozenset("Z2 Z4 Z5 Z6 Z7".lower().split())
_ROW = re.compile(r"^\| ([A-Z])(\d+) \|", re.MULTILINE)
_NAMED = re.compile(r"test_((?:[a-z]\d+_)+)")
_TESTS = Path(__file__).resolve().parents[1]


def rows(text: str) -> set[str]:
    """The ids of all rows, in lower case."""
    return {f"{group}{number}".lower() for group, number in _ROW.findall(text)}


def is_owed(row: str) -> bool:
    """Whether later work owes this row."""
    return row not in PAID and (row[0].upper() in OWED_GROUPS or row in OWED)


def named(source: str) -> set[str]:
    """The ids in the names of tests, as in `test_x1_x2_another_user_comes`; methods of test classes count too."""
    functions = (node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {row for name in functions if (found := _NAMED.match(name)) for row in found[1].rstrip("_").split("_")}


def test_the_ids_are_read_from_names_and_from_rows() -> None:
    assert named("def test_x1_x2_a(): ...\nclass A:\n  async def test_t10_b(self): ...\ndef y1_c(): ...\ndef test_words_z1_(): ...") == {
        "x1",
        "x2",
        "t10",
    }
    assert rows("| X1 | x |\n| Z2 | x |\ntext T3\n| T10 | see X9 |") == {"x1", "z2", "t10"}
    assert [row for row in ("w1", "w8", "v7", "z2", "z1", "t12", "t1") if is_owed(row)] == ["v7", "z2"]


def test_every_row_has_a_test_or_is_owed(shared_folder: Path) -> None:
    due = rows((shared_folder / "FIELD.md").read_text())
    assert len(due) > 80
    tested = {row for test in _TESTS.rglob("test_*.py") for row in named(test.read_text())}
    assert sorted(row for row in due - tested if not is_owed(row)) == []
    assert sorted(row for row in due & tested if is_owed(row)) == [], "a row that has a test is owed no more"
