"""Owns how the architecture tests see the project: the files that git knows or would add, and their syntax trees.

Nothing here judges. Paths are relative to the root of the repository, with forward slashes.
"""

import ast
import io
import subprocess
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def files() -> tuple[str, ...]:
    """Every file that is or would be tracked, in order."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout.decode()
    return tuple(sorted({name for name in listed.split("\0") if name and (ROOT / name).is_file()}))


def python_files(*folders: str) -> tuple[str, ...]:
    """The Python files below these folders."""
    return tuple(name for name in files() if name.endswith(".py") and name.startswith(tuple(f"{folder}/" for folder in folders)))


@cache
def text(name: str) -> str:
    """The text of a file; an empty one for a file that is not UTF-8 text."""
    raw = (ROOT / name).read_bytes()
    try:
        return "" if b"\0" in raw else raw.decode()
    except UnicodeDecodeError:
        return ""


@cache
def tree(name: str) -> ast.Module:
    """The syntax tree of a Python file."""
    return ast.parse(text(name), name)


@cache
def nodes(name: str) -> tuple[ast.AST, ...]:
    """Every node of the tree of a Python file."""
    return tuple(ast.walk(tree(name)))


@cache
def comments(name: str) -> tuple[tuple[int, str], ...]:
    """(line number, comment) of a Python file; a text that looks like a comment is none."""
    tokens = tokenize.generate_tokens(io.StringIO(text(name)).readline)
    return tuple((token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT)


@cache
def functions(name: str) -> tuple[tuple[str, Function], ...]:
    """(qualified name, function) of a Python file, nested ones included."""
    return tuple(_functions(tree(name), ""))


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function):
            yield f"{prefix}{child.name}", child
            yield from _functions(child, f"{prefix}{child.name}.")
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{prefix}{child.name}.")
        else:
            yield from _functions(child, prefix)


def classes(name: str) -> Iterator[ast.ClassDef]:
    """Yield the classes of a Python file."""
    return (node for node in nodes(name) if isinstance(node, ast.ClassDef))


def dotted(node: ast.expr) -> str:
    """``a.b.c`` for such an expression, the empty text for any other."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (owner := dotted(node.value)):
        return f"{owner}.{node.attr}"
    return ""


def calls(name: str) -> Iterator[tuple[str, ast.Call]]:
    """Yield (dotted name of the called, call) of a Python file."""
    for node in nodes(name):
        if isinstance(node, ast.Call) and (called := dotted(node.func)):
            yield called, node


def imported(name: str) -> Iterator[tuple[int, str]]:
    """Yield (line number, module) for each absolute import of a Python file; ``from a import b`` yields ``a.b``."""
    for node in nodes(name):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
