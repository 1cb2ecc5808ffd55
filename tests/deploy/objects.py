"""What deploy/ describes, as values: the rendered chart, the built kustomizations, the objects of the recipes. Checks nothing by itself.

The chart is rendered by Helm's own engine, a kustomization by kubectl: what a cluster would be given is what the tests see. Only the
chart redis-ha, which it may install beside itself, cannot be fetched here: redis-ha/ has its names and labels in its place.
"""

import atexit
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import helm_python
import yaml

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm" / "session-gateway"
KUBECTL = Path(sys.executable).parent / "kubectl"

Object = dict[str, Any]  # a Kubernetes object, whatever its kind

VALUES: Mapping[str, Path | None] = {
    "defaults": None,
    **{path.stem: path for path in sorted((CHART / "examples").glob("*.yaml"))},
}
KUSTOMIZATIONS = ("kustomize/base", "kustomize/overlays/production", "sidecar")
RECIPES = (
    "istio/policies.yaml",
    "istio/routes.yaml",
    "gateway-api/external-auth.yaml",
    "gateway-api/envoy-gateway.yaml",
    "ingress-nginx/ingress.yaml",
    "traefik-crd/session-gateway.yaml",
)
RUNNING = (*(f"chart:{name}" for name in VALUES), *KUSTOMIZATIONS)
EVERYTHING = (*RUNNING, *RECIPES)


def values_of(name: str) -> Object:
    """The values of one example of the chart; none at all for its defaults."""
    path = VALUES[name]
    return {} if path is None else yaml.safe_load(path.read_text(encoding="utf-8"))


@cache
def chart_with_dependency() -> Path:
    """A copy of the chart's folder as `helm dependency build` leaves it."""
    folder = Path(tempfile.mkdtemp(prefix="session-gateway-chart-"))
    atexit.register(shutil.rmtree, folder)
    copy = folder / CHART.name
    shutil.copytree(CHART, copy, ignore=shutil.ignore_patterns("charts", "Chart.lock"))
    shutil.copytree(Path(__file__).parent / "redis-ha", copy / "charts" / "redis-ha")
    return copy


def rendered(values: Object, name: str = "session-gateway", namespace: str = "auth") -> Mapping[str, str]:
    """The chart's files by their path within it, for these values; `HelmValuesError` where its schema refuses them."""
    with helm_python.Chart.load(chart_with_dependency()) as chart:
        chart.validate_schema(values)
        files = chart.render(values, name=name, namespace=namespace)
    return {path.removeprefix("session-gateway/templates/"): text for path, text in files.items()}


def of_chart(values: Object, **release: str) -> list[Object]:
    """The objects that the chart makes of these values."""
    return [thing for path, text in rendered(values, **release).items() if path.endswith(".yaml") for thing in read(text)]


def read(text: str) -> list[Object]:
    """The objects of a file with several YAML documents."""
    return [thing for thing in yaml.load_all(text, yaml.CSafeLoader) if thing is not None]


@cache
def built(folder: str) -> str:
    """What `kubectl kustomize` makes of a folder below deploy/; it must have nothing to warn of."""
    ran = subprocess.run([KUBECTL, "kustomize", DEPLOY / folder], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stderr
    return ran.stdout


def of(source: str) -> list[Object]:
    """The objects of one of `EVERYTHING`."""
    if source.startswith("chart:"):
        return of_chart(values_of(source.removeprefix("chart:")))
    return read((DEPLOY / source).read_text(encoding="utf-8") if source.endswith(".yaml") else built(source))


def one(objects: list[Object], kind: str, name: str = "") -> Object:
    """The only object of this kind, or the only one of this name."""
    found = [thing for thing in objects if thing["kind"] == kind and (not name or thing["metadata"]["name"] == name)]
    assert len(found) == 1, [thing["metadata"]["name"] for thing in found]
    return found[0]


def pods(objects: list[Object]) -> Iterator[tuple[str, Object]]:
    """(kind and name, pod spec) of everything that runs."""
    for thing in objects:
        if thing["kind"] == "Pod":
            yield f"Pod {thing['metadata']['name']}", thing["spec"]
        elif "template" in thing.get("spec", {}):
            yield f"{thing['kind']} {thing['metadata']['name']}", thing["spec"]["template"]["spec"]


def containers(pod: Object) -> list[Object]:
    """All containers of a pod, those of its beginning first."""
    return [*pod.get("initContainers", ()), *pod["containers"]]


def gateway_of(objects: list[Object]) -> tuple[Object, Object]:
    """The pod that holds the gateway, and the gateway's container."""
    pod = one(objects, "Deployment")["spec"]["template"]["spec"]
    return pod, next(container for container in containers(pod) if container["name"] == "gateway")


def environment(container: Object) -> dict[str, str]:
    """A container's variables."""
    return {variable["name"]: variable["value"] for variable in container.get("env", ())}


def configuration(objects: list[Object]) -> str:
    """The gateway.toml that the pods are given."""
    pod, container = gateway_of(objects)
    mounted = next(mount["name"] for mount in container["volumeMounts"] if mount["mountPath"] == "/etc/session-gateway")
    volume = next(volume for volume in pod["volumes"] if volume["name"] == mounted)
    text = one(objects, "ConfigMap", volume["configMap"]["name"])["data"]["gateway.toml"]
    assert isinstance(text, str)
    return text
