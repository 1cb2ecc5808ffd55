"""Every row of the list of attacks that is due has a test in this folder with the row's id in its name."""

import ast
import re
from pathlib import Path

GROUPS_DUE = "AHPRCLKOSUD"
FORWARDED_DUE = 15
NOT_DUE = {
    "S19": "there is no HTTP/2 listener",
}
_ROW = re.compile(r"^\| ([A-Z])(\d+) \|", re.MULTILINE)
_NAMED = re.compile(r"test_((?:[a-z]\d+_)+)")


def rows_due(text: str) -> set[str]:
    """The ids of the rows that must have a test, in lower case."""
    rows = {(group, int(number)) for group, number in _ROW.findall(text)}
    due = {(group, number) for group, number in rows if group in GROUPS_DUE or (group == "F" and number <= FORWARDED_DUE)}
    return {f"{group}{number}".lower() for group, number in due if f"{group}{number}" not in NOT_DUE}


def rows_named(source: str) -> set[str]:
    """The ids in the names of the test functions at the top of a module, as in `test_p1_p2_a_public_prefix_is_no_way_up`."""
    functions = (node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {row for name in functions if (found := _NAMED.match(name)) for row in found[1].rstrip("_").split("_")}


def test_the_ids_are_read_from_names_and_from_rows() -> None:
    assert rows_named("def test_p1_p2_x(): ...\nasync def test_h10_y(): ...\ndef h3_z(): ...\ndef test_words_k1_(): ...") == {
        "p1",
        "p2",
        "h10",
    }
    assert rows_due("| H1 | x |\n| F15 | x |\n| F16 | x |\n| S19 | x |\n| Z1 | x |\ntext H2\n| O7 | see P9 |") == {"h1", "f15", "o7"}


def test_every_row_that_is_due_has_a_test(shared_folder: Path) -> None:
    due = rows_due((shared_folder / "ATTACKS.md").read_text())
    named = {row for file in Path(__file__).parent.glob("test_*.py") for row in rows_named(file.read_text())}
    assert len(due) > 70
    assert sorted(due - named) == []
