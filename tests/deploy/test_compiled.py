"""The compiled build: which modules it holds, and that a tree is compiled or it is not."""

import importlib
import sys
import tomllib
from pathlib import Path

from tests.deploy.objects import ROOT
from tests.harness.configuration import finished

IS_COMPILED = ROOT.parent.name == "build"  # where `make compiled` puts it


def listed() -> list[str]:
    """The modules that are compiled."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    hook = project["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]
    left_out = {path for pattern in hook["left-out"] for path in _matching(pattern)}
    found = {path for pattern in hook["modules"] for path in _matching(pattern)} - left_out
    return sorted(path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__") for path in found)


def _matching(pattern: str) -> list[Path]:
    paths = list(ROOT.glob(pattern))
    assert paths != [], f"{pattern} names no module"
    return paths


def test_what_is_listed_is_compiled_in_a_compiled_tree_and_a_source_elsewhere() -> None:
    files = {name: importlib.import_module(name).__file__ for name in listed()}
    assert len(files) >= 60
    wrong = {name: file for name, file in files.items() if file is None or file.endswith(".py") is IS_COMPILED}
    assert wrong == {}


def test_all_of_it_is_of_this_tree() -> None:
    files = [Path(module.__file__) for name, module in sys.modules.items() if name.split(".")[0] == "gateway" and module.__file__]
    assert [file for file in files if not file.is_relative_to(ROOT)] == []


def test_a_checkout_holds_no_library_that_would_hide_its_sources() -> None:
    libraries = [*(ROOT / "gateway").rglob("*.so"), *ROOT.glob("*.so")]
    assert bool(libraries) is IS_COMPILED


async def test_the_program_says_so() -> None:
    code, out, _ = await finished("--version")
    assert code == 0 and out.endswith("(compiled)\n") is IS_COMPILED
