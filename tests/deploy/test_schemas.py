"""Every object is one that Kubernetes, or the owner of its custom kind, would take: the current Kubernetes and the two before it.

The schemas of Kubernetes come with kubernetes-validate, strict: unknown fields fail. Those of custom kinds are written down in schemas/,
with no field more than the recipes may use.
"""

import json
from functools import cache
from pathlib import Path

import jsonschema
import kubernetes_validate  # type: ignore[import-untyped]  # it comes without types
import pytest
import yaml
from kubernetes_validate.utils import SchemaNotFoundError, all_versions  # type: ignore[import-untyped]  # it comes without types

from tests.deploy.objects import DEPLOY, EVERYTHING, KUSTOMIZATIONS, Object, built, of

SCHEMAS = Path(__file__).parent / "schemas"
VERSIONS = sorted({tuple(map(int, version.split(".")[:2])) for version in all_versions()})[-3:]


@cache
def _own_schema(kind: str) -> Object | None:
    path = SCHEMAS / f"{kind}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def _own_problems(thing: Object) -> list[str]:
    schema = _own_schema(thing["kind"])
    if schema is None:
        return [f"no schema for {thing['kind']}"]
    return [f"{error.json_path}: {error.message}" for error in jsonschema.Draft202012Validator(schema).iter_errors(thing)]


def _problems(thing: Object, version: tuple[int, ...]) -> list[str]:
    try:
        kubernetes_validate.validate(thing, ".".join(map(str, version)), strict=True)
    except SchemaNotFoundError:
        return _own_problems(thing)
    except kubernetes_validate.ValidationError as error:
        return [f"{error.json_path}: {error.message}"]
    return []


def test_the_versions_are_the_newest_three_in_a_row() -> None:
    assert [minor - VERSIONS[0][1] for _, minor in VERSIONS] == [0, 1, 2]
    assert VERSIONS[-1] >= (1, 37)


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: ".".join(map(str, version)))
@pytest.mark.parametrize("source", EVERYTHING)
def test_every_object_is_valid(source: str, version: tuple[int, ...]) -> None:
    objects = of(source)
    assert objects != []
    assert [(thing["kind"], thing["metadata"]["name"], problem) for thing in objects for problem in _problems(thing, version)] == []


@pytest.mark.parametrize("source", EVERYTHING)
def test_no_two_objects_have_the_same_name(source: str) -> None:
    names = [(thing["kind"], thing["metadata"].get("namespace"), thing["metadata"]["name"]) for thing in of(source)]
    assert len(set(names)) == len(names)


def test_a_field_that_kubernetes_does_not_know_is_seen() -> None:
    thing = next(thing for thing in of("chart:defaults") if thing["kind"] == "Deployment")
    thing["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    assert _problems(thing, VERSIONS[-1]) != []


@pytest.mark.parametrize("kind", sorted(path.stem for path in SCHEMAS.glob("*.json")))
def test_a_field_that_a_custom_kind_does_not_know_is_seen(kind: str) -> None:
    used = [thing for source in EVERYTHING for thing in of(source) if thing["kind"] == kind]
    if kind == "IstioMesh":
        used = [{"kind": kind, **yaml.safe_load((DEPLOY / "istio" / "mesh-values.yaml").read_text(encoding="utf-8"))}]
    assert used != [], "a schema for nothing"
    for thing in used:
        assert _own_problems(thing) == []
        assert _own_problems({**thing, "spec" if "spec" in thing else "meshConfig": {"notAField": 1}}) != []
        assert _own_problems({**thing, "notAField": 1}) != []


@pytest.mark.parametrize("folder", KUSTOMIZATIONS)
def test_a_change_of_the_configuration_changes_the_name_that_the_pods_mount(folder: str) -> None:
    names = [thing["metadata"]["name"] for thing in of(folder) if thing["kind"] == "ConfigMap"]
    assert len(names) == 1
    assert names[0].startswith("session-gateway-")
    assert f"name: {names[0]}" in built(folder).partition("kind: Deployment")[2]
