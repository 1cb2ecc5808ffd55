"""The files in config/ agree with the program."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from pydantic import BaseModel

from gateway.config import Config, read
from gateway.config.problems import keys_of, tables_within
from tests.harness.configuration import SEALED

FOLDER = Path(__file__).resolve().parents[2] / "config"
FILES = sorted(path.name for path in FOLDER.glob("*.toml"))
_COMMENTED = re.compile(r"^# (?=[a-z_]+ = |\[\[)", re.MULTILINE)
_COMMENTED_TABLE = re.compile(r"^# \[\[.*\n(?:# .*\n)+", re.MULTILINE)


def _text(name: str) -> str:
    return (FOLDER / name).read_text()


def _whole_example() -> str:
    """The full example with every key and table that is commented out in it."""
    return _COMMENTED.sub("", _text("gateway.toml"))


def _keys(model: type[BaseModel]) -> Iterator[str]:
    for key, annotation in keys_of(model).items():
        inner = list(tables_within(annotation))
        yield from (f"{key}.{below}" for table in inner for below in _keys(table))
        if not inner:
            yield key


def _written(tables: object) -> Iterator[str]:
    if isinstance(tables, list):
        for item in tables:
            yield from _written(item)
    if isinstance(tables, Mapping):
        for key, value in tables.items():
            below = list(_written(value)) if key != "identity" and not _is_plain(value) else []
            yield from (f"{key}.{name}" for name in below)
            if not below:
                yield key


def _is_plain(value: object) -> bool:
    return not isinstance(value, Mapping) and not (isinstance(value, list) and value and isinstance(value[0], Mapping))


def test_the_full_example_holds_every_key_and_no_other() -> None:
    written = set(_written(tomllib.loads(_whole_example())))
    assert written == set(_keys(Config))


def _defaults(model: type[BaseModel], written: Mapping[str, object], place: str) -> Iterator[tuple[str, object, object]]:
    """(key, what the example says, the default of the program) for each key that has a default and a value there."""
    for name, field in model.model_fields.items():
        key = field.alias or name
        value = written.get(key)
        tables = list(tables_within(field.annotation))
        if tables:
            item = value[0] if isinstance(value, list) else value
            assert isinstance(item, Mapping)
            yield from _defaults(tables[0], item, f"{place}{key}.")
        elif not field.is_required() and field.default is not None and key in written:
            default = list(field.default) if isinstance(field.default, tuple) else field.default
            yield f"{place}{key}", value, default


def test_the_full_example_says_the_defaults_of_the_program() -> None:
    compared = list(_defaults(Config, tomllib.loads(_whole_example()), ""))
    assert len(compared) > 30
    assert [row for row in compared if row[1] != row[2]] == []


def test_a_key_without_a_default_is_commented_out_in_the_full_example() -> None:
    silent = {name for name, field in next(tables_within(keys_of(Config)["app"])).model_fields.items() if field.default is None}
    silent.remove("upstream")  # it or [[app.server]] must be there
    rule = next(table for table in tables_within(keys_of(next(tables_within(keys_of(Config)["app"])))["rule"]))
    silent |= {name for name, field in rule.model_fields.items() if not field.is_required() and field.default is None}
    assert {
        line.partition(" = ")[0].removeprefix("# ")
        for line in _COMMENTED_TABLE.sub("", _text("gateway.toml")).splitlines()
        if _COMMENTED.match(line)
    } == silent


def test_every_key_of_the_full_example_has_a_comment() -> None:
    bare = [line for line in _text("gateway.toml").splitlines() if " = " in line and not re.search(r"\S\s+# \S|^# A single|^# \(", line)]
    assert [line for line in bare if "SESSION_GATEWAY" not in line] == []


@pytest.mark.parametrize("name", FILES)
def test_each_file_is_usable(name: str, tmp_path: Path) -> None:
    text = _text(name).replace('keys_file = "/etc/session-gateway/seal.keys"', "").replace("/var/lib/session-gateway", str(tmp_path))
    assert read(name, text, SEALED).config.apps


def test_the_commented_keys_of_the_full_example_are_usable_too() -> None:
    several_servers = re.sub(r"^upstream = .*\n", "", _whole_example(), flags=re.MULTILINE)
    (app,) = read("gateway.toml", several_servers, SEALED).config.apps
    assert [server.weight for server in app.servers] == [1]
    assert app.rules[0].authenticated_within == 900
    assert app.rules[0].methods == ("GET", "HEAD")
