"""Every row of the list of field problems has a test with the row's id in its name."""

import ast
import re
from pathlib import Path

_ROW = re.compile(r"^\| ([A-Z])(\d+) \|", re.MULTILINE)
_NAMED = re.compile(r"test_((?:[a-z]\d+_)+)")
_TESTS = Path(__file__).resolve().parents[1]


def rows(text: str) -> set[str]:
    """The ids of all rows, in lower case."""
    return {f"{group}{number}".lower() for group, number in _ROW.findall(text)}


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


def test_every_row_has_a_test(shared_folder: Path) -> None:
    due = rows((shared_folder / "FIELD.md").read_text())
    assert len(due) > 80
    tested = {row for test in _TESTS.rglob("test_*.py") for row in named(test.read_text())}
    assert sorted(due - tested) == []
