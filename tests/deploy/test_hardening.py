"""Everything that runs obeys Kubernetes' Pod Security Standard "restricted", and somewhat more; a linter of others agrees.

The rules are the standard's own, written down once more: namespaces of the host, volumes, capabilities, users, seccomp, privileges.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.deploy.objects import RUNNING, Object, containers, of, pods

VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
GUARD = Path(sys.executable).parent / "policy-guard"

# What the linter says and we do not follow, with the reason.
ACCEPTED = {
    "PG-IMG-002": "a digest is the operator's to give: image.digest, or images in an overlay",
    "PG-IMG-004": "whether a registry wants a secret is the operator's to know: imagePullSecrets",
    "PG-WRK-001": "one pod where there is no Redis, on purpose",
    "PG-WRK-005": "priority classes are the cluster's own: priorityClassName",
    "PG-WRK-007": "topologySpreadConstraints do the same, and do not block a roll-out",
}


def _pod_problems(pod: Object) -> Iterator[str]:
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(name):
            yield name
    for volume in pod.get("volumes", ()):
        if not set(volume) - {"name"} <= VOLUMES:
            yield f"volume {volume['name']}"
    context = pod.get("securityContext", {})
    if context.get("runAsNonRoot") is not True or context.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "pod's securityContext"
    if pod.get("automountServiceAccountToken") is not False or pod.get("serviceAccountName") in (None, "default"):
        yield "service account"
    if pod.get("enableServiceLinks") is not False:
        yield "service links"


def _container_problems(container: Object, pod: Object) -> Iterator[str]:
    context = container.get("securityContext", {})
    runs_once = pod.get("restartPolicy") == "Never" or (container in pod.get("initContainers", ()) and "restartPolicy" not in container)
    wanted = {"runAsNonRoot": True, "readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    yield from (name for name, value in wanted.items() if context.get(name) != value)
    if context.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "seccompProfile"
    if context.get("privileged") or "procMount" in context or {**pod["securityContext"], **context}.get("runAsUser", 1) == 0:
        yield "privileges"
    if any("hostPort" in port for port in container.get("ports", ())):
        yield "hostPort"
    resources = container.get("resources", {})
    for side in ("requests", "limits"):
        yield from (f"{side} {what}" for what in ("cpu", "memory") if what not in resources.get(side, {}))
    if not runs_once:
        yield from (probe for probe in ("readinessProbe", "livenessProbe") if probe not in container)
    if container["image"].endswith(":latest") or not {":", "@"} & set(container["image"].rpartition("/")[2]):
        yield "image"
    if any(
        {"KEY", "KEYS", "PASSWORD"} & set(variable["name"].split("_")) and not variable["name"].endswith(("_FILE", "_TLS_KEY"))
        for variable in container.get("env", ())
    ):
        yield "secret in the environment"


def _problems(objects: list[Object]) -> list[str]:
    found = []
    for name, pod in pods(objects):
        found += [f"{name}: {problem}" for problem in _pod_problems(pod)]
        for container in containers(pod):
            found += [f"{name} {container['name']}: {problem}" for problem in _container_problems(container, pod)]
    return found


@pytest.mark.parametrize("source", RUNNING)
def test_everything_that_runs_is_restricted(source: str) -> None:
    objects = of(source)
    assert len(list(pods(objects))) >= 1
    assert _problems(objects) == []


@pytest.mark.parametrize("source", RUNNING)
def test_a_linter_finds_nothing_that_has_no_reason(source: str, tmp_path: Path) -> None:
    (tmp_path / "objects.yaml").write_text(yaml.safe_dump_all(of(source)), encoding="utf-8")
    report = tmp_path / "report.json"
    command = [str(GUARD), "scan", str(tmp_path / "objects.yaml"), "--level", "restricted", "--format", "json", "--output", str(report)]
    subprocess.run(command, check=True, capture_output=True)
    said = json.loads(report.read_text(encoding="utf-8"))
    assert said["compliant_level"] == "restricted"
    found = [finding for value in said.values() if isinstance(value, list) for finding in value]
    unexplained = [finding for finding in found if finding["rule_id"] not in ACCEPTED and not _is_wrong(finding)]
    assert unexplained == []


def _is_wrong(finding: Object) -> bool:
    """What runs once and ends has no probes; the name of a file is no secret."""
    match finding["rule_id"]:
        case "PG-CTR-001" | "PG-CTR-002":
            return finding["resource"] == "Pod/session-gateway-test" or "Container 'wait'" in finding["message"]
        case "PG-CTR-007":
            return str(finding["message"]).endswith("_FILE'")
    return False


def _weaken(objects: list[Object], change: Callable[[Object, Object], object]) -> list[str]:
    _, pod = next(pods(objects))
    change(pod, containers(pod)[0])
    return _problems(objects)


@pytest.mark.parametrize(
    "change",
    [
        lambda pod, _: pod.update(hostNetwork=True),
        lambda pod, _: pod["volumes"].append({"name": "host", "hostPath": {"path": "/"}}),
        lambda pod, _: pod["securityContext"].pop("seccompProfile"),
        lambda pod, _: pod.pop("automountServiceAccountToken"),
        lambda _, container: container["securityContext"].update(runAsUser=0),
        lambda _, container: container["securityContext"].pop("readOnlyRootFilesystem"),
        lambda _, container: container["securityContext"]["capabilities"].update(add=["NET_ADMIN"]),
        lambda _, container: container["resources"]["limits"].pop("memory"),
        lambda _, container: container.pop("livenessProbe"),
        lambda _, container: container.update(image="session-gateway:latest"),
        lambda _, container: container["env"].append({"name": "SESSION_GATEWAY_SEAL_KEYS", "value": "x"}),
        lambda _, container: container["env"].append({"name": "REDIS_PASSWORD", "value": "x"}),
    ],
)
def test_a_weaker_pod_is_seen(change: Callable[[Object, Object], object]) -> None:
    assert _weaken(of("chart:defaults"), change) != []


@pytest.mark.parametrize("source", RUNNING)
def test_the_network_lets_nobody_in_but_the_ingress_and_the_metrics(source: str) -> None:
    policies = [thing for thing in of(source) if thing["kind"] == "NetworkPolicy"]
    assert policies != []
    for policy in policies:
        spec = policy["spec"]
        assert set(spec["policyTypes"]) == {"Ingress", "Egress"}
        assert [rule for rule in spec.get("ingress", ()) if not rule.get("from") or not rule.get("ports")] == []
        assert [rule for rule in spec["egress"] if not rule.get("to")] == []
        ports = {port["port"] for rule in spec.get("ingress", ()) for port in rule["ports"]}
        assert ports <= {"http", "admin"}
