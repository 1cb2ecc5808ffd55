"""The codes that the source can put into the log, read from the source itself. Checks nothing by itself."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent / "gateway"
STRANGERS = ("dev/standin", "dev/demo")
CHECKS = "commands/online"
"""What these say, a person reads in a terminal."""

_LEVELS = {"debug", "info", "warning", "error"}
_TELLERS = {"tell": 0, "_tell": 0, "_on_event": 0, "on_event": 0, "write": 1, "failure": 0}
_REASONS = {
    **dict.fromkeys(
        (
            "NoSession",
            "Unknown",
            "StepUp",
            "Forbid",
            "SignIn",
            "Unclear",
            "Refuse",
            "RefuseFront",
            "Withhold",
            "RefusedPage",
            "StartRefused",
            "TicketRefused",
            "break_off",
            "_abandon",
        ),
        (0,),
    ),
    **dict.fromkeys(("Malformed", "BadRequest"), (1,)),
    "Outcome": (2,),
    "refusal": (2,),
    "HookReply": (2,),
}


def trees() -> Iterator[tuple[str, ast.Module]]:
    """Every module of the gateway, with its path."""
    for file in sorted(ROOT.rglob("*.py")):
        path = file.relative_to(ROOT)
        if not str(path).startswith((*STRANGERS, CHECKS)):
            yield str(path), ast.parse(file.read_text(encoding="utf-8"))


def _texts(node: ast.expr) -> Iterator[str]:
    """The words that an expression may be."""
    match node:
        case ast.Constant(value=str(text)) if text:
            yield text
        case ast.IfExp(body=body, orelse=other):
            yield from _texts(body)
            yield from _texts(other)
        case ast.BoolOp(values=values):
            for each in values:
                yield from _texts(each)


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id if isinstance(call.func, ast.Name) else ""


def events() -> dict[str, str]:
    """Every event that is told, and a module that does."""
    found: dict[str, str] = {}
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and (position := _TELLERS.get(_called(node))) is not None and len(node.args) > position:
                if _called(node) == "write" and not {*_texts(node.args[0])} & _LEVELS:
                    continue
                found |= dict.fromkeys(_texts(node.args[position]), path)
    return found


def reasons() -> dict[str, str]:
    """Every reason, and a module that gives it."""
    found: dict[str, str] = {}
    for path, tree in trees():
        for node in ast.walk(tree):
            for value in _given(node):
                found |= dict.fromkeys(_texts(value), path)
    return found


def _given(node: ast.AST) -> Iterator[ast.expr]:
    match node:
        case ast.Call(args=args, keywords=keywords):
            positions = _REASONS.get(_called(node), ())
            yield from (args[position] for position in positions if len(args) > position)
            if positions:
                yield from (keyword.value for keyword in keywords if keyword.arg == "reason")
        case ast.Assign(targets=[ast.Attribute(attr="reason")], value=value):
            yield value
        case ast.Assign(targets=[ast.Name(id="reason")], value=value):
            yield value
        case ast.Assign(targets=[ast.Tuple(elts=[*_, ast.Attribute(attr="reason")])], value=ast.Tuple(elts=[*_, value])):
            yield value


def assembled_reasons() -> set[str]:
    """What stands before the part of a reason that is put together, as of f"id_token_{claim}"."""
    values = (value for _, tree in trees() for node in ast.walk(tree) for value in _given(node))
    parts = (part for value in values for part in ast.walk(value) if isinstance(part, ast.JoinedStr))
    return {str(part.values[0].value) if isinstance(part.values[0], ast.Constant) else "" for part in parts}


def words_given_to(function: str) -> set[str]:
    """The literals that calls of this function have as arguments."""
    calls = (node for _, tree in trees() for node in ast.walk(tree) if isinstance(node, ast.Call) and _called(node) == function)
    return {text for call in calls for argument in call.args for text in _texts(argument)}


def causes() -> set[str]:
    """Every cause that a failure of a server may have."""
    found: set[str] = set()
    for path, tree in trees():
        for node in ast.walk(tree):
            match node:
                case ast.Call(args=[first, *_]) if _called(node) in ("because", "Cause"):
                    found |= {*_texts(first)}
                case ast.Return(value=ast.Constant() | ast.IfExp() as value) if path == "causes.py":
                    found |= {*_texts(value)}
                case ast.Dict(values=values) if path == "causes.py":
                    found |= {text for value in values for text in _texts(value)}
                case ast.IfExp(orelse=ast.Tuple(elts=[first, *_])) if path == "upstream/connection.py":
                    found |= {*_texts(first)}
    return found


def figures() -> dict[str, str]:
    """The names of the figures that are told beside an event where they are written, and a module that does."""
    found: dict[str, str] = {}
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and (position := _TELLERS.get(_called(node))) is not None:
                for argument in node.args[position + 1 :]:
                    dictionaries = [each for each in ast.walk(argument) if isinstance(each, ast.Dict)]
                    found |= {text: path for each in dictionaries for key in each.keys if key is not None for text in _texts(key)}
    return found


def beginnings() -> set[str]:
    """What stands before the part of an event's name that is put together, as of f"advised_{word}"."""
    found: set[str] = set()
    for _, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and (position := _TELLERS.get(_called(node))) is not None and len(node.args) > position:
                match node.args[position]:
                    case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]):
                        found.add(text)
    return found
