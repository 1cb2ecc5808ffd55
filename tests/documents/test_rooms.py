"""The architecture names every room of the gateway, in the order of imports."""

import re
import tomllib
from collections.abc import Iterator
from itertools import pairwise

from tests.architecture.sources import ROOT, files, text
from tests.documents.pages import text_of

_ROOM = re.compile(r"\]\(([a-z_]+)(?:\.py|/)?\)")
_NO_ROOMS = {"__init__", "__main__", "py", "README"}


def _layers() -> Iterator[set[str]]:
    contracts = tomllib.loads(text("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["id"] == "layers")
    return ({room.strip(" ()") for room in layer.split("|")} for layer in layers)


def _rows() -> list[list[str]]:
    table = text_of("gateway/README.md").partition("\n| room | owns |\n")[2].partition("\n\n")[0]
    return [_ROOM.findall(row.split("|")[1]) for row in table.splitlines()[1:]]


def test_every_room_is_named() -> None:
    rooms = {name.split("/")[1].partition(".")[0] for name in files() if name.startswith("gateway/")} - _NO_ROOMS
    assert (ROOT / "gateway").is_dir() and len(rooms) > 20
    assert {room for row in _rows() for room in row} == rooms


def test_the_rows_are_in_the_order_of_imports() -> None:
    floors = {room: number for number, layer in enumerate(_layers()) for room in layer}
    named = [[floors[room] for room in row] for row in _rows()]
    assert [row for row, below in pairwise(named) if max(row) > min(below)] == []
