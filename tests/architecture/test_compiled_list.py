"""What the compiled build can take: found here in seconds, and not by `make compiled` after minutes."""

import ast
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def _compiled() -> frozenset[str]:
    hook = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]
    found = {path for pattern in hook["modules"] for path in ROOT.glob(pattern)}
    return frozenset(path.relative_to(ROOT).as_posix() for path in found - {ROOT / name for name in hook["left-out"]})


def _tree(name: str) -> ast.Module:
    return ast.parse((ROOT / name).read_text())


def _everything() -> list[str]:
    return sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "gateway").rglob("*.py"))


def _imported(tree: ast.Module) -> dict[str, tuple[str, str]]:
    """Local names, each with the file that it comes from and its name there; of the gateway alone."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gateway"):
            base = (node.module or "").replace(".", "/")
            file = f"{base}.py" if (ROOT / f"{base}.py").exists() else f"{base}/__init__.py"
            found.update({alias.asname or alias.name: (file, alias.name) for alias in node.names})
    return found


def test_what_inherits_from_a_compiled_class_is_compiled_too() -> None:
    compiled = _compiled()
    plain = {
        f"{name}:{node.name}"
        for name in compiled
        for node in _tree(name).body
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id in ("Protocol", "NamedTuple") for base in node.bases)
    }
    wrong = []
    for name in _everything():
        if name in compiled:
            continue
        tree = _tree(name)
        imported = _imported(tree)
        for node in ast.walk(tree):
            for base in node.bases if isinstance(node, ast.ClassDef) else ():
                file, original = imported.get(ast.unparse(base), ("", ""))
                if file in compiled and f"{file}:{original}" not in plain and not _is_exception(file, original):
                    wrong.append(f"{name}:{ast.unparse(base)}")
    assert wrong == [], "interpreted classes cannot inherit from compiled ones: put the file on pyproject.toml's list"


def _is_exception(file: str, name: str) -> bool:
    """Exceptions and enums stay Python's own classes when they are compiled."""
    bases = {ast.unparse(base) for node in _tree(file).body if isinstance(node, ast.ClassDef) and node.name == name for base in node.bases}
    return bool(bases & {"Exception", "StrEnum", "IntEnum", "Enum"})


def test_nothing_compiled_is_an_asynchronous_generator() -> None:
    wrong = [
        f"{name}:{function.name}"
        for name in sorted(_compiled())
        for function in ast.walk(_tree(name))
        if isinstance(function, ast.AsyncFunctionDef) and any(isinstance(node, ast.Yield) for node in ast.walk(function))
    ]
    assert wrong == []


def test_no_sealed_note_is_compiled() -> None:
    """The class variables that say how a note is packed would become fields of its dataclass."""
    notes = {
        name: node.name
        for name in sorted(_compiled())
        for node in ast.walk(_tree(name))
        if isinstance(node, ast.ClassDef) and "Note" in map(ast.unparse, node.bases)
    }
    assert notes == {}


def test_the_list_names_files_that_exist() -> None:
    hook = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]
    assert [pattern for pattern in (*hook["modules"], *hook["left-out"]) if not list(ROOT.glob(pattern))] == []
