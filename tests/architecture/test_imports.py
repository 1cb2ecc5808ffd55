"""Who may import whom. The contracts stand in pyproject.toml; here they are run, and what they cannot say is said."""

import ast
from graphlib import TopologicalSorter

import grimp
import pytest
from importlinter import cli as importlinter

from tests.architecture.sources import ROOT, calls, imported, nodes, python_files


def test_the_import_contracts_are_kept(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    status = importlinter.lint_imports(config_filename="pyproject.toml", no_cache=True, no_logo=True)
    assert status == importlinter.EXIT_STATUS_SUCCESS, capsys.readouterr().out


def test_every_folder_with_code_is_a_package_that_the_contracts_can_see() -> None:
    names = python_files("gateway", "tests")
    assert sorted({f"{name.rpartition('/')[0]}/__init__.py" for name in names} - set(names)) == []


def test_no_module_imports_itself_by_a_detour() -> None:
    graph = grimp.build_graph("gateway", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    TopologicalSorter(imports).prepare()


def test_the_stand_in_and_the_demo_know_no_room_of_the_gateway() -> None:
    """The stand-in is another program: what it took from the gateway, it could not prove of the gateway."""
    graph = grimp.build_graph("gateway", cache_dir=None)
    strangers = [
        module for name in ("standin", "demo") for module in (f"gateway.dev.{name}", *graph.find_descendants(f"gateway.dev.{name}"))
    ]
    known = {found for module in strangers for found in graph.find_modules_directly_imported_by(module)}
    assert sorted(known - set(strangers)) == []


def test_no_module_of_tests_is_imported() -> None:
    """What several of them share stands in a file of its own: else a test cannot be changed without the others."""
    found = [
        f"{name}:{line} {module}"
        for name in python_files("tests")
        for line, module in imported(name)
        if any(part.startswith("test_") for part in module.split(".")[1:-1]) and module.startswith("tests.")
    ]
    assert found == []


POLICY = "gateway/policy"


def test_nothing_in_the_policy_waits() -> None:
    waiting = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    found = [f"{name}:{node.lineno}" for name in python_files(POLICY) for node in nodes(name) if isinstance(node, waiting)]
    assert found == []


IMPURE = {
    *("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "datetime.datetime.now", "datetime.date.today"),
    *("open", "print", "input", "exec", "eval", "__import__", "AESGCM.generate_key", "Fernet.generate_key", "id"),
}


def test_nothing_in_the_policy_asks_the_clock_the_disk_or_chance() -> None:
    found = [f"{name}:{call.lineno} {called}" for name in python_files(POLICY) for called, call in calls(name) if called in IMPURE]
    assert found == []


WAITERS = {"aiohttp", "asyncio", "playwright", "pytest_aiohttp", "socket", "subprocess", "threading", "time"}


def test_the_tests_of_the_policy_need_no_network_and_no_clock() -> None:
    found = [
        f"{name}:{line} {module}"
        for name in python_files("tests/policy")
        for line, module in imported(name)
        if module.partition(".")[0] in WAITERS
    ]
    assert found == []


def test_no_test_replaces_a_part_of_the_program() -> None:
    found = [
        f"{name}:{line} {module}"
        for name in python_files("gateway", "tests")
        for line, module in imported(name)
        if module.partition(".")[0] in {"unittest", "mock", "pytest_mock", "freezegun", "time_machine"}
    ]
    found += [
        f"{name}:{call.lineno} {called}"
        for name in python_files("tests")
        for called, call in calls(name)
        if called.endswith(("monkeypatch.setattr", "monkeypatch.setitem", "monkeypatch.delattr"))
    ]
    assert found == []


def _is_only_a_turn_of_the_loop(call: ast.Call) -> bool:
    return len(call.args) == 1 and isinstance(call.args[0], ast.Constant) and call.args[0].value == 0


SCRIPTED = (
    *(f"tests/journeys/{name}.py" for name in ("in_memory", "shared_memory", "test_two_replicas", "test_left_answers")),
    "tests/coordination/test_leases.py",
)
"""They run on the loop of tests/journeys/scripted_loop.py, whose time is the script's: a sleep there takes none."""


def test_no_test_sleeps() -> None:
    found = [
        f"{name}:{call.lineno}"
        for name in python_files("tests")
        if name not in SCRIPTED
        for called, call in calls(name)
        if called in ("time.sleep", "asyncio.sleep", "sleep") and not _is_only_a_turn_of_the_loop(call)
    ]
    assert found == []
