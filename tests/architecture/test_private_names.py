"""Nothing in ``gateway/`` touches a private name of a library: such a name may change or go in any release.

A name is private when it begins with an underscore and does not end with one. It may be touched on ``self``, on ``cls`` and on another
object of the same class, and only where that class, or a base of it in ``gateway/``, defines it and no base of a library has it. Nothing
private is imported, named by a text (``getattr``) or by a keyword. What libraries document in spite of its underscore is listed.
"""

import ast
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from tests.architecture.sources import Function, dotted, nodes, python_files, tree

DOCUMENTED = {
    "_replace": "collections.namedtuple: its methods begin with an underscore so that they meet no field",
    "os._exit": "os: the end of a forked process",
}
BY_TEXT = frozenset(("getattr", "setattr", "hasattr", "delattr", "__setattr__", "__getattribute__", "attrgetter", "methodcaller"))


def is_private(name: str) -> bool:
    """Whether only its owner may touch it; ``__init__`` and ``_missing_`` are for everybody."""
    return name.startswith("_") and not name.endswith("_")


def defined(body: ast.ClassDef) -> set[str]:
    """The private names that a class defines: functions, fields, slots, and what its methods set on ``self`` or ``cls``."""
    names: set[str] = set()
    for node in ast.walk(body):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names.add(name)
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name, ctx=ast.Store()):
                names.add(name)
            case ast.Assign(targets=[ast.Name(id="__slots__")], value=slots):
                names |= {one.value for one in ast.walk(slots) if isinstance(one, ast.Constant) and isinstance(one.value, str)}
            case ast.Call(func=ast.Attribute(attr="__setattr__"), args=[ast.Name(id="self"), ast.Constant(value=str(name)), *_]):
                names.add(name)
    return set(filter(is_private, names))


def _bodies(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.ClassDef]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield f"{prefix}{child.name}", child
            yield from _bodies(child, f"{prefix}{child.name}.")


@cache
def _of_class(owner: type) -> frozenset[str]:
    """The private names of this class, its bases aside: what it has, and what its source says."""
    source = getattr(sys.modules[owner.__module__], "__file__", None) or ""
    bodies = dict(_bodies(ast.parse(Path(source).read_bytes()))) if source.endswith(".py") else {}
    said = defined(bodies[owner.__qualname__]) if owner.__qualname__ in bodies else set()
    return frozenset(said | set(filter(is_private, vars(owner))))


class Finder(ast.NodeVisitor):
    """Walks one module; ``found`` has the line and the name of whatever is not its own."""

    def __init__(self, module: ModuleType) -> None:
        self.found: list[tuple[int, str]] = []
        self._module = module
        self._house = module.__name__.partition(".")[0]
        self._classes: list[str] = []
        self._own: list[frozenset[str]] = [frozenset()]
        self._ours: list[set[str]] = [set()]
        """The names by which a function has objects of the class around it."""

    def _tell(self, node: ast.stmt | ast.expr | ast.keyword | ast.pattern, name: str) -> None:
        self.found.append((node.lineno, name))

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._classes.append(node.name)
        owner: object = self._module
        for name in self._classes:
            owner = getattr(owner, name, None)
        bases = owner.__mro__ if isinstance(owner, type) else ()
        own, theirs = set(defined(node)), set[str]()
        for base in bases:
            (own if base.__module__.partition(".")[0] == self._house else theirs).update(_of_class(base))
        for name in sorted(defined(node) & theirs):
            self._tell(node, f"{node.name} has a base with the name {name}")
        self._own.append(frozenset(own - theirs))
        self._ours.append({node.name})
        self.generic_visit(node)
        self._ours.pop()
        self._own.pop()
        self._classes.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._function(node)

    def _function(self, node: Function) -> None:
        ours = {"self", "cls"} | self._ours[-1] if self._classes else set[str]()
        types = {self._classes[-1], "Self", "cls"} if self._classes else set[str]()
        ours |= {given.arg for given in ast.walk(node.args) if isinstance(given, ast.arg) and _said(given.annotation) in types}
        for made in ast.walk(node):
            if isinstance(made, ast.Assign) and isinstance(made.value, ast.Call) and dotted(made.value.func) in types:
                ours |= {target.id for target in made.targets if isinstance(target, ast.Name)}
        self._ours.append(ours)
        self.generic_visit(node)
        self._ours.pop()

    def visit_Attribute(self, node: ast.Attribute) -> None:
        is_ours = dotted(node.value) in self._ours[-1] or (isinstance(node.value, ast.Call) and dotted(node.value.func) == "super")
        is_documented = not {node.attr, dotted(node)}.isdisjoint(DOCUMENTED)
        if is_private(node.attr) and not is_documented and not (is_ours and node.attr in self._own[-1]):
            self._tell(node, ast.unparse(node))
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if (dotted(node.func).rpartition(".")[2] or ast.unparse(node.func)) in BY_TEXT:
            texts = [given.value for given in node.args if isinstance(given, ast.Constant)]
            for name in (part for text in texts if isinstance(text, str) for part in text.split(".")):
                if is_private(name) and not (name in self._own[-1] and dotted(node.args[0]) in self._ours[-1]):
                    self._tell(node, ast.unparse(node))
        self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> None:
        if node.arg is not None and is_private(node.arg):
            self._tell(node, f"{node.arg}=")
        self.generic_visit(node)

    def visit_MatchClass(self, node: ast.MatchClass) -> None:
        for name in filter(is_private, node.kwd_attrs):
            self._tell(node, name)
        self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._imported(node, alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            self._imported(node, f"{node.module}.{alias.name}")

    def _imported(self, node: ast.stmt, module: str) -> None:
        if any(map(is_private, module.split("."))):
            self._tell(node, module)


def _said(annotation: ast.expr | None) -> str:
    """The name of a type, written as a text or not."""
    if isinstance(annotation, ast.Constant):
        return str(annotation.value)
    return "" if annotation is None else dotted(annotation)


def _found(name: str) -> list[str]:
    module = importlib.import_module(name.removesuffix("/__init__.py").removesuffix(".py").replace("/", "."))
    finder = Finder(module)
    finder.visit(tree(name))
    return [f"{name}:{line} {what}" for line, what in finder.found]


def test_no_private_name_of_a_library_is_touched() -> None:
    names = [name for name in python_files("gateway") if not name.endswith("__main__.py")]
    assert [found for name in names for found in _found(name)] == []


def test_every_documented_name_is_needed() -> None:
    touched = {
        said
        for name in python_files("gateway")
        for node in nodes(name)
        if isinstance(node, ast.Attribute)
        for said in (node.attr, dotted(node))
    }
    assert sorted(set(DOCUMENTED) - touched) == []


OWN = """
from typing import Self

class Base:
    __slots__ = ("_left",)

class Mine(Base):
    def __init__(self) -> None:
        object.__setattr__(self, "_right", 1)
        self._waiter = None
        super()._go()

    def _go(self) -> None:
        return self._waiter, self._left, self._right, Mine._go

    def is_like(self, other: "Mine") -> bool:
        return self._waiter is other._waiter

    @classmethod
    def made(cls) -> Self:
        made = cls()
        made._go()
        return made
"""

HEIR = "from aiohttp.web_protocol import RequestHandler\nclass Mine(RequestHandler):\n  def go(self):\n    "
FOREIGN = {
    "another object": "class Mine:\n  def __init__(self, it):\n    self._waiter = it._waiter",
    "a module": "import asyncio\nasyncio.events._get_running_loop()",
    "what a part has": "class Mine:\n  def __init__(self, it):\n    self._it = it\n    self._it._waiter = None",
    "inherited": f"{HEIR}self._waiter.cancel()",
    "inherited, set": f"{HEIR}self._waiter = None",
    "replaced": "import logging\nclass Mine(logging.Logger):\n  def _log(self):\n    pass",
    "by super": "import logging\nclass Mine(logging.Logger):\n  def log(self):\n    super()._log()",
    "of nobody": "class Mine:\n  def go(self):\n    return self._gone",
    "a module's name": "import _asyncio",
    "a module's path": "from aiohttp._websocket import models",
    "an imported name": "from asyncio.events import _get_running_loop",
    "by text": "import asyncio\ngetattr(asyncio, '_x', None)",
    "by text, on the way": "from operator import attrgetter\nattrgetter('handler._waiter')",
    "by text, set": "import asyncio\nclass Mine:\n  def go(self, it):\n    self._a = 1\n    object.__setattr__(it, '_a', 1)",
    "a keyword": "dict(_x=1)",
    "a pattern": "match 1:\n  case int(_x=1):\n    pass",
}


def _of_text(text: str, folder: Path) -> list[str]:
    file = folder / "example.py"
    file.write_text(text)
    spec = importlib.util.spec_from_file_location("example", file)
    assert spec is not None and spec.loader is not None
    module = sys.modules["example"] = importlib.util.module_from_spec(spec)
    finder = Finder(module)
    try:
        spec.loader.exec_module(module)
        finder.visit(ast.parse(text))
    finally:
        del sys.modules["example"]
    return [what for _, what in finder.found]


def test_own_names_are_not_found(tmp_path: Path) -> None:
    assert _of_text(OWN, tmp_path) == []


@pytest.mark.parametrize("text", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_name_is_found(text: str, tmp_path: Path) -> None:
    assert _of_text(text, tmp_path) != []
