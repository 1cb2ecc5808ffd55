"""The README's table of the chart's values is made of values.yaml, and is not an old one."""

import importlib.util
from types import ModuleType

import pytest
import yaml

from tests.deploy.objects import CHART, DEPLOY, Object


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """deploy/helm/values_table.py, which is in no package."""
    spec = importlib.util.spec_from_file_location("values_table", DEPLOY / "helm" / "values_table.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_in_the_readme_is_the_one_that_the_script_makes(script: ModuleType) -> None:
    readme = (DEPLOY / "helm" / "README.md").read_text(encoding="utf-8")
    table = script.table_of(script.values_of((CHART / "values.yaml").read_text(encoding="utf-8")))
    assert script.with_table(readme, table) == readme, "run: python deploy/helm/values_table.py"


def test_every_value_is_in_it(script: ModuleType) -> None:
    source = (CHART / "values.yaml").read_text(encoding="utf-8")
    paths = {tuple(value.path.split(".")) for value in script.values_of(source)}

    def missing(tree: Object, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
        found = []
        for name, value in tree.items():
            here = (*path, name)
            if here not in paths:
                found += missing(value, here) if isinstance(value, dict) and value else [here]
        return found

    assert len(paths) > 90
    assert missing(yaml.safe_load(source)) == []


def test_a_value_without_a_comment_is_an_error(script: ModuleType) -> None:
    with pytest.raises(ValueError, match=r"image\.tag: has no comment"):
        script.values_of('image:\n  repository: a  # the image\n  tag: ""\n')


def test_a_default_and_a_comment_are_read_from_the_line_or_from_above(script: ModuleType) -> None:
    source = """
# Of the pods.
labels: {a: "#b"}
port: 80  # the port
text: |  # a whole file
  # not this
  one
below:  # what is below has its own
  name: ""  # its | name
"""
    assert [tuple(value) for value in script.values_of(source)] == [
        ("labels", '{"a": "#b"}', "Of the pods."),
        ("port", "80", "the port"),
        ("text", '"# not this\\none\\n"', "a whole file"),
        ("below.name", '""', "its \\| name"),
    ]
