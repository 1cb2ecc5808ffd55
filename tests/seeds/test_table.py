"""README.md of this folder says what the tests show, and every statement is shown."""

from tests.seeds.statements import STATEMENTS
from tests.seeds.table import README, shown, written


def test_every_statement_of_the_seeds_has_a_test() -> None:
    assert [statement.number for statement in STATEMENTS] == list(range(1, 74))
    numbers = {test.number for test in shown()}
    assert [statement.number for statement in STATEMENTS if statement.number not in numbers] == []
    assert numbers <= set(range(1, 74))


def test_the_readme_has_the_table_as_it_is_now() -> None:
    text = README.read_text(encoding="utf-8")
    assert written(text) == text, "write it anew: python -m tests.seeds.table"
