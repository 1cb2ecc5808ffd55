"""What a module says it exports is there."""

import ast
import importlib

import pytest

from tests.architecture.sources import python_files, tree


def _exports() -> list[tuple[str, str]]:
    """Module and name of every entry of an ``__all__``."""
    return [
        (path.removesuffix(".py").removesuffix("/__init__").replace("/", "."), name)
        for path in python_files("gateway")
        for node in tree(path).body
        if isinstance(node, ast.Assign) and any(isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets)
        for name in ast.literal_eval(node.value)
    ]


@pytest.mark.parametrize(("module", "name"), _exports(), ids=lambda text: str(text))
def test_every_exported_name_exists(module: str, name: str) -> None:
    assert hasattr(importlib.import_module(module), name)
