"""The measures of the house: how long, how many, and that everything public says what it is for."""

import ast
from collections.abc import Iterator
from statistics import median

import pytest

from tests.architecture.sources import Function, classes, dotted, functions, python_files, text, tree

FILE_LINES, FILE_LINES_WITH_REASON = 300, 500
FUNCTION_LINES, FUNCTION_LINES_WITH_REASON = 40, 60
MEDIAN_FILE_LINES, MEDIAN_FUNCTION_LINES = 150, 6
COLLABORATORS, COLLABORATORS_WITH_REASON = 6, 8
PLAIN = frozenset(
    ("str", "bytes", "int", "float", "bool", "tuple", "list", "set", "frozenset", "dict", "Mapping", "Sequence", "Iterable", "Collection")
)

# file: why it is longer than 300 lines (never than 500)
LONG_FILES: dict[str, str] = {
    "gateway/policy/http/messages.py": "the one reading of a head, with every refusal",
    "gateway/policy/switch/switch.py": "one machine: its commands, its events and its steps",
    "gateway/edge/connection.py": "one state machine: a client's connection, from its first byte to its end",
    "gateway/shared_state/sqlite.py": "one engine: every call in one transaction, and what others published",
    "gateway/sessions/memory.py": "one class that is the memory's whole surface",
    "tests/policy/switch/test_switch.py": "the promises of one machine",
    "tests/journeys/in_memory.py": "one system without sockets",
    "tests/journeys/one_user.py": "one day's steps, and what must hold after each",
    "tests/sessions/test_asking.py": "the tests of one class",
    "gateway/doors/app/session_watcher.py": "one registry: the second look, and what a redemption spares or moves",
    "gateway/upstream/connection.py": "one state machine: a connection to a server, from its first request to its end",
    "gateway/upstream/pool.py": "one pool: every way in and out of it keeps the same counts",
}

# file:qualified name: why the function is longer than 40 lines (never than 60)
LONG_FUNCTIONS: dict[str, str] = {
    "gateway/compose/login.py:login_door": "the one list of what the login door is made of",
    "gateway/compose/parts.py:make_parts": "the one list of what a gateway is made of, in the order in which it is built",
    "tests/harness/site.py:deployed": "one deployment from its org to its end",
    "tests/harness/system.py:system": "one system from its org to its end",
    "gateway/edge/http_proxy.py:HttpProxy.forward": "one exchange from its body to its answer; a third is what it promises",
}

# file:class: why it knows more than six others (never more than eight)
CROWDED: dict[str, str] = {
    "gateway/compose/gateway.py:Gateway": "the whole: its sockets, and what may be given in place of what it makes",
    "gateway/doors/app/__init__.py:ProtectedDoor": "who is let in, and every room that answers those who are not",
    "gateway/doors/login/new_sessions.py:NewSessions": "whom it asks, what it stores, and what it closes",
    "gateway/doors/login/org_sign_outs.py:OrgSignOuts": "what it revokes before it forwards, and what it judges behind it",
    "gateway/doors/login/org_forwarding.py:OrgForwarding": "what it asks before it forwards, what it sends, and what it judges behind it",
    "gateway/doors/login/redeemer.py:Redeemer": "the order of a redemption, in which each of them has its turn",
}


def _lengths_of_files() -> dict[str, int]:
    return {name: len(text(name).splitlines()) for name in python_files("gateway", "tests")}


def _lengths_of_functions() -> dict[str, int]:
    return {
        f"{name}:{qualified}": (function.end_lineno or function.lineno) - function.lineno + 1
        for name in python_files("gateway", "tests")
        for qualified, function in functions(name)
    }


def test_no_file_is_longer_than_a_reader_keeps_in_mind() -> None:
    allowed = dict.fromkeys(LONG_FILES, FILE_LINES_WITH_REASON)
    assert [(name, lines) for name, lines in _lengths_of_files().items() if lines > allowed.get(name, FILE_LINES)] == []


def test_no_function_is_longer_than_a_screen() -> None:
    allowed = dict.fromkeys(LONG_FUNCTIONS, FUNCTION_LINES_WITH_REASON)
    assert [(name, lines) for name, lines in _lengths_of_functions().items() if lines > allowed.get(name, FUNCTION_LINES)] == []


def test_every_exception_to_a_length_is_needed_and_has_a_reason() -> None:
    files, long_functions = _lengths_of_files(), _lengths_of_functions()
    assert [name for name, reason in LONG_FILES.items() if files.get(name, 0) <= FILE_LINES or not reason] == []
    assert [name for name, reason in LONG_FUNCTIONS.items() if long_functions.get(name, 0) <= FUNCTION_LINES or not reason] == []


def _is_plain(annotation: ast.expr | None) -> bool:
    """Whether only plain values are meant: a number or a text is a setting, not a collaborator."""
    if annotation is None:
        return False
    named = {part.id for part in ast.walk(annotation) if isinstance(part, ast.Name)}
    return named <= PLAIN or "ClassVar" in named


def _parameters(function: Function) -> int:
    asked = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return sum(not _is_plain(given.annotation) for given in asked if given.arg != "self")


def _says(call: ast.expr, keyword: str, value: bool) -> bool:
    return isinstance(call, ast.Call) and any(
        given.arg == keyword and isinstance(given.value, ast.Constant) and given.value.value is value for given in call.keywords
    )


def _is_changing_dataclass(owner: ast.ClassDef) -> bool:
    """A frozen dataclass is a value and may have as many fields as it needs; one that changes has collaborators."""
    for decorator in owner.decorator_list:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        if dotted(target) in ("dataclass", "dataclasses.dataclass"):
            return not _says(decorator, "frozen", True)
    return False


def _is_collaborator(node: ast.stmt) -> bool:
    """A field that must be given and is more than a plain value."""
    return isinstance(node, ast.AnnAssign) and node.value is None and not _is_plain(node.annotation)


def _collaborators(owner: ast.ClassDef) -> int:
    for node in owner.body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            return _parameters(node)
    return sum(map(_is_collaborator, owner.body)) if _is_changing_dataclass(owner) else 0


def _numbers_of_collaborators() -> dict[str, int]:
    return {f"{name}:{owner.name}": _collaborators(owner) for name in python_files("gateway") for owner in classes(name)}


def test_no_object_knows_more_than_six_others() -> None:
    allowed = dict.fromkeys(CROWDED, COLLABORATORS_WITH_REASON)
    assert [(name, count) for name, count in _numbers_of_collaborators().items() if count > allowed.get(name, COLLABORATORS)] == []


def test_every_crowded_object_is_crowded_and_has_a_reason() -> None:
    counted = _numbers_of_collaborators()
    assert [name for name, reason in CROWDED.items() if counted.get(name, 0) <= COLLABORATORS or not reason] == []


@pytest.mark.parametrize("folder", ["gateway", "tests"])
def test_most_files_and_functions_are_short(folder: str) -> None:
    of_files = [lines for name, lines in _lengths_of_files().items() if name.startswith(f"{folder}/") and lines]
    of_functions = [lines for name, lines in _lengths_of_functions().items() if name.startswith(f"{folder}/")]
    assert median(of_files) <= MEDIAN_FILE_LINES
    assert median(of_functions) <= MEDIAN_FUNCTION_LINES


def _public_parts(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, ast.ClassDef | Function]]:
    for node in body:
        if isinstance(node, ast.ClassDef | Function) and not node.name.startswith("_"):
            yield f"{prefix}{node.name}", node
            if isinstance(node, ast.ClassDef):
                yield from _public_parts(node.body, f"{prefix}{node.name}.")


def test_every_module_class_and_function_that_others_may_use_is_documented() -> None:
    silent = [name for name in python_files("gateway") if not ast.get_docstring(tree(name))]
    silent += [
        f"{name}:{qualified}"
        for name in python_files("gateway")
        for qualified, node in _public_parts(tree(name).body, "")
        if not ast.get_docstring(node)
    ]
    assert silent == []


def test_each_module_of_the_policy_has_its_tests_beside_it() -> None:
    wanted = {
        f"tests/{folder.removeprefix('gateway/')}/test_{file}"
        for folder, _, file in (name.rpartition("/") for name in python_files("gateway/policy"))
        if file != "__init__.py"
    }
    assert sorted(wanted - set(python_files("tests/policy"))) == []
