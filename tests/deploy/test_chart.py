"""The chart: its values are checked, its notes warn, its parts fit together, and the kustomization says the same."""

import copy
import re

import helm_python
import pytest
import yaml

from gateway import __version__
from tests.deploy.objects import (
    CHART,
    VALUES,
    Object,
    chart_with_dependency,
    environment,
    gateway_of,
    of,
    of_chart,
    one,
    rendered,
    values_of,
)

REFUSED: dict[str, Object] = {
    "an unknown value": {"replicas": 3},
    "an unknown value further down": {"image": {"repository": "session-gateway", "name": "x"}},
    "no replica": {"replicaCount": 0},
    "a number as text": {"replicaCount": "2"},
    "the tag latest": {"image": {"tag": "latest"}},
    "half a digest": {"image": {"digest": "sha256:0123"}},
    "an unknown mode": {"mode": "ingress"},
    "a sidecar of nothing": {"mode": "sidecar"},
    "an app in the companion's pods": {
        "sidecar": {"containers": [{"name": "app", "image": "a:1", "resources": {}, "securityContext": {}}]}
    },
    "an app without limits": {"mode": "sidecar", "sidecar": {"containers": [{"name": "app", "image": "a:1", "securityContext": {}}]}},
    "an app that offers its port": {
        "mode": "sidecar",
        "sidecar": {
            "containers": [{"name": "app", "image": "a:1", "resources": {}, "securityContext": {}, "ports": [{"containerPort": 3000}]}]
        },
    },
    "a configuration that is a table": {"config": {"okta": {"org": "https://example.okta.com"}}},
    "a configuration without an app": {"config": '[okta]\norg = "https://example.okta.com"\n'},
    "no memory limit": {"resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": None}}},
    "memory without a unit": {"resources": {"limits": {"memory": "a lot"}}},
    "a node's port of a Service without one": {"service": {"nodePort": 30080}},
    "a password in Redis' address": {"redis": {"url": "redis://:secret@redis:6379/0"}},
    "an address of Redis that is none": {"redis": {"url": "redis:6379"}},
    "two places for Redis": {"redis": {"url": "redis://redis:6379/0"}, "redis-ha": {"enabled": True}},
    "a memory of its own": {"extraEnv": [{"name": "SESSION_GATEWAY__STATE__ENGINE", "value": "memory"}]},
    "an ingress of no host": {"ingress": {"enabled": True}},
    "a port beyond all ports": {"service": {"port": 70000}},
    "an autoscaler down to one": {"autoscaling": {"minReplicas": 1}},
    "a disruption of nobody": {"podDisruptionBudget": {"maxUnavailable": 0}},
    "a network policy for everybody": {"networkPolicy": {"from": []}},
    "a seal key in the open": {"extraEnv": [{"name": "SESSION_GATEWAY_SEAL_KEYS", "value": "secret"}]},
    "an address of its own": {"extraEnv": [{"name": "SESSION_GATEWAY__LISTEN__ADDRESS", "value": ":80"}]},
    "a route of no host": {"gatewayApi": {"enabled": True, "parentRefs": [{"name": "public"}]}},
    "a drain of no time": {"drainSeconds": 0},
}


@pytest.mark.parametrize("name", VALUES)
def test_helm_has_nothing_against_the_chart(name: str) -> None:
    report = helm_python.lint(chart_with_dependency(), values_of(name), strict=True, kube_version="v1.35.0")
    assert report["errors"] == []
    assert [message for message in report["messages"] if message["severity"] > 1] == []


@pytest.mark.parametrize("what", REFUSED)
def test_a_wrong_value_is_refused(what: str) -> None:
    with pytest.raises(helm_python.HelmValuesError):
        rendered(REFUSED[what])


def test_the_version_is_the_programs() -> None:
    about = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert about["appVersion"] == __version__
    assert gateway_of(of("chart:defaults"))[1]["image"] == f"session-gateway:{__version__}"
    assert gateway_of(of("kustomize/base"))[1]["image"] == f"session-gateway:{__version__}"


def test_another_configuration_makes_other_pods() -> None:
    def marks(values: Object) -> str:
        template = one(of_chart(values), "Deployment")["spec"]["template"]
        mark = template["metadata"]["annotations"]["checksum/config"]
        assert re.fullmatch("[0-9a-f]{64}", mark)
        return str(mark)

    before = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))["config"]
    assert marks({}) == marks({"replicaCount": 5})
    assert marks({}) != marks({"config": before.replace('ttl = "10s"', 'ttl = "5s"')})


@pytest.mark.parametrize(("drain", "pause"), [(20, 5), (600, 0), (1, 30)])
def test_a_pod_may_live_longer_than_it_needs_to_end(drain: int, pause: int) -> None:
    pod, container = gateway_of(of_chart({"drainSeconds": drain, "preStopSeconds": pause}))
    assert environment(container)["SESSION_GATEWAY__LISTEN__DRAIN"] == f"{drain}s"
    assert pod["terminationGracePeriodSeconds"] > drain + pause
    assert container.get("lifecycle", {}).get("preStop", {"sleep": {"seconds": 0}})["sleep"]["seconds"] == pause


@pytest.mark.parametrize("source", [*(f"chart:{name}" for name in VALUES), "kustomize/base", "kustomize/overlays/production"])
def test_selectors_find_the_pods_and_no_others(source: str) -> None:
    objects = of(source)
    labels = one(objects, "Deployment")["spec"]["template"]["metadata"]["labels"].items()
    services = [thing for thing in objects if thing["kind"] == "Service" and "redis" not in thing["metadata"]["name"]]
    selectors = [thing["spec"]["selector"] for thing in services]
    selectors += [thing["spec"]["selector"]["matchLabels"] for thing in objects if thing["kind"] in ("Deployment", "PodDisruptionBudget")]
    selectors += [one(objects, "NetworkPolicy", "session-gateway")["spec"]["podSelector"]["matchLabels"]]
    assert len(selectors) >= 5
    assert [selector for selector in selectors if not selector or not selector.items() <= labels] == []
    for pod in (thing for thing in objects if thing["kind"] == "Pod"):
        assert [selector for selector in selectors if selector.items() <= pod["metadata"]["labels"].items()] == []


def test_metrics_are_scraped_from_the_admin_service_alone() -> None:
    for source in ("chart:everything", "kustomize/overlays/production"):
        objects = of(source)
        monitor = one(objects, "ServiceMonitor")["spec"]
        wanted = monitor["selector"]["matchLabels"].items()
        found = [thing for thing in objects if thing["kind"] == "Service" and wanted <= thing["metadata"]["labels"].items()]
        assert [service["metadata"]["name"] for service in found] == ["session-gateway-admin"]
        assert {endpoint["port"] for endpoint in monitor["endpoints"]} <= {port["name"] for port in found[0]["spec"]["ports"]}


def test_an_autoscaled_deployment_names_no_number_of_its_own() -> None:
    for source in ("chart:everything", "kustomize/overlays/production"):
        assert "replicas" not in one(of(source), "Deployment")["spec"]
        assert one(of(source), "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]["name"] == "session-gateway"


def test_a_sidecar_starts_before_the_app_and_stays() -> None:
    for source in ("chart:sidecar", "sidecar"):
        pod, container = gateway_of(of(source))
        assert pod["initContainers"] == [container]
        assert container["restartPolicy"] == "Always"
        assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)
        (app,) = pod["containers"]
        assert "ports" not in app
        assert any("127.0.0.1:" in word for word in app["command"])
        assert app["lifecycle"] == container["lifecycle"]


def test_the_notes_say_that_the_configuration_is_still_the_example() -> None:
    own = values_of("sidecar")["config"].replace("example.okta.com", "acme.okta.com")
    assert "still the example" in rendered({})["NOTES.txt"]
    assert "still the example" not in rendered({"config": own})["NOTES.txt"]


def _without_marks(thing: Object) -> Object:
    """An object without what only Helm or only kustomize adds: labels, annotations, the namespace, the generated name."""
    bare = copy.deepcopy(thing)
    bare["metadata"] = {"name": bare["metadata"]["name"]}
    if "template" in bare.get("spec", {}):
        bare["spec"]["template"].pop("metadata")
        for volume in bare["spec"]["template"]["spec"]["volumes"]:
            volume.get("configMap", {}).pop("name", None)
    return bare


def test_the_kustomization_says_what_the_chart_says() -> None:
    of_helm = {(thing["kind"], thing["metadata"]["name"]): thing for thing in of_chart({"test": {"enabled": False}})}
    of_kustomize = {(thing["kind"], thing["metadata"]["name"]): thing for thing in of("kustomize/base")}
    maps = {key for key in (*of_helm, *of_kustomize) if key[0] == "ConfigMap"}
    assert len(maps) == 2
    assert of_helm.keys() - maps == of_kustomize.keys() - maps
    for key in of_helm.keys() - maps:
        assert _without_marks(of_helm[key]) == _without_marks(of_kustomize[key]), key
