"""The table in config/README.md is made of config/gateway.toml, and holds every key of the program."""

from gateway.config import Config
from gateway.config.problems import keys_of, tables_within
from tests.documents.keys import README, written


def test_the_table_is_the_commented_configuration() -> None:
    text = README.read_text(encoding="utf-8")
    assert written(text) == text, "write it anew: python -m tests.documents.keys"


def test_every_table_of_the_configuration_has_keys_in_it() -> None:
    text = README.read_text(encoding="utf-8")
    sections = {name for name, annotation in keys_of(Config).items() if list(tables_within(annotation))}
    assert {"listen", "okta", "session", "app"} <= sections
    assert [name for name in sections if f"\n| `{name}." not in text] == []
