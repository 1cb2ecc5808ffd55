"""What an operator may put into the chart beside its own: containers, volumes, labels, probes, an Ingress, other users."""

import shutil
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.deploy.objects import Object, configuration, containers, environment, gateway_of, of, of_chart, one, pods
from tests.deploy.running import OWN_PROGRAM, running
from tests.harness.configuration import SEAL_KEY

USER_OF_A_NAMESPACE = 1000690000  # as OpenShift hands them out; its group is 0


def _everything() -> tuple[Object, Object]:
    return gateway_of(of("chart:everything"))


def test_more_of_everything_reaches_the_pod() -> None:
    pod, container = gateway_of(of_chart({"extraArgs": ["--one", "--two"], "extraEnvFrom": [{"secretRef": {"name": "proxy"}}]}))
    assert container["args"] == ["run", "--config", "/etc/session-gateway/gateway.toml", "--one", "--two"]
    assert container["envFrom"] == [{"secretRef": {"name": "proxy"}}]
    pod, container = _everything()
    assert [there["name"] for there in containers(pod)] == ["wait", "gateway", "logs"]
    assert environment(container)["SESSION_GATEWAY__LOG__LEVEL"] == "warning"
    assert {"name": "ca", "configMap": {"name": "company-ca"}} in pod["volumes"]
    assert {"name": "ca", "mountPath": "/run/session-gateway/ca", "readOnly": True} in container["volumeMounts"]
    assert pod["hostAliases"] == [{"ip": "10.20.0.7", "hostnames": ["wiki.internal"]}]


def test_an_object_of_the_operator_is_filled_in_and_made() -> None:
    made = one(of("chart:everything"), "ConfigMap", "session-gateway-resolver")
    assert made["metadata"]["namespace"] == "auth"
    (source,) = _everything()[1]["envFrom"]
    assert source["configMapRef"]["name"] == made["metadata"]["name"]


def test_common_labels_are_on_everything_and_select_nothing() -> None:
    objects = [thing for thing in of("chart:everything") if thing["metadata"]["name"] != "session-gateway-resolver"]
    assert len(objects) >= 10
    assert {thing["metadata"]["labels"]["example.com/team"] for thing in objects} == {"identity"}
    deployment = one(objects, "Deployment")
    assert deployment["spec"]["template"]["metadata"]["labels"]["example.com/team"] == "identity"
    assert "example.com/team" not in deployment["spec"]["selector"]["matchLabels"]
    assert deployment["spec"]["selector"] == one(of("chart:defaults"), "Deployment")["spec"]["selector"]


def test_a_probe_keeps_what_the_operator_does_not_change() -> None:
    container = _everything()[1]
    assert container["startupProbe"] == {
        "httpGet": {"path": "/readyz", "port": "admin"},
        "periodSeconds": 1,
        "timeoutSeconds": 2,
        "failureThreshold": 120,
    }
    other = {"readinessProbe": {"httpGet": None, "tcpSocket": {"port": "http"}}}
    assert "httpGet" not in gateway_of(of_chart(other))[1]["readinessProbe"]


def test_constraints_of_the_operator_take_the_place_of_the_charts() -> None:
    assert [rule["whenUnsatisfiable"] for rule in _everything()[0]["topologySpreadConstraints"]] == ["DoNotSchedule"]
    assert len(gateway_of(of("chart:defaults"))[0]["topologySpreadConstraints"]) == 2


def test_a_service_account_may_be_another_one() -> None:
    def accounts(values: Object) -> tuple[set[str], list[str]]:
        objects = of_chart(values)
        made = [thing["metadata"]["name"] for thing in objects if thing["kind"] == "ServiceAccount"]
        return {pod["serviceAccountName"] for _, pod in pods(objects)}, made

    assert accounts({}) == ({"session-gateway"}, ["session-gateway"])
    assert accounts({"serviceAccount": {"name": "edge"}}) == ({"edge"}, ["edge"])
    assert accounts({"serviceAccount": {"create": False, "name": "edge"}}) == ({"edge"}, [])
    assert accounts({"serviceAccount": {"create": False}}) == ({"default"}, [])


def test_a_service_may_have_a_port_of_every_node() -> None:
    def ports(values: Object) -> list[int | None]:
        (port,) = one(of_chart({"service": values}), "Service", "session-gateway")["spec"]["ports"]
        return [port["port"], port.get("nodePort")]

    assert ports({"type": "NodePort", "nodePort": 30080}) == [8080, 30080]
    assert ports({"type": "NodePort"}) == [8080, None]
    assert ports({}) == [8080, None]


def test_an_ingress_leads_its_hosts_to_the_gateways_port() -> None:
    objects = of("chart:everything")
    rules = one(objects, "Ingress")["spec"]["rules"]
    led = [(rule["host"], path["path"], path["pathType"]) for rule in rules for path in rule["http"]["paths"]]
    assert led == [("login.example.com", "/", "Prefix"), ("hr.example.com", "/hr", "Prefix"), ("hr.example.com", "/.gateway", "Exact")]
    backends = [path["backend"]["service"] for rule in rules for path in rule["http"]["paths"]]
    (port,) = one(objects, "Service", "session-gateway")["spec"]["ports"]
    assert backends == [{"name": "session-gateway", "port": {"number": port["port"]}}] * 3
    assert one(objects, "Ingress")["spec"]["ingressClassName"] == "nginx"


def test_openshift_may_choose_the_users_and_everything_else_stays() -> None:
    chosen = {"runAsUser", "runAsGroup", "fsGroup"}
    for _, pod in pods(of("chart:openshift")):
        for context in (pod["securityContext"], *(container["securityContext"] for container in containers(pod))):
            assert set(context) & chosen == set()
            assert context["runAsNonRoot"] is True
    before, after = (gateway_of(of(f"chart:{name}")) for name in ("defaults", "openshift"))
    assert before[1] == after[1]
    assert set(before[0]["securityContext"]) - set(after[0]["securityContext"]) == chosen


@pytest.fixture
def another_user() -> Sequence[str]:
    """The words that start a program as a user without a name, of group 0, as OpenShift does."""
    words = ("setpriv", f"--reuid={USER_OF_A_NAMESPACE}", "--regid=0", "--clear-groups")
    if shutil.which(words[0]) is None or subprocess.run([*words, sys.executable, "-c", ""], capture_output=True, check=False).returncode:
        pytest.skip("only root may start a process as another user, and that user must be able to read this Python")
    return words


async def test_the_gateway_starts_as_any_user_of_group_0(another_user: Sequence[str], tmp_path: Path) -> None:
    objects = of("chart:openshift")
    container = gateway_of(objects)[1]
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(0o770)  # as the kubelet hands an emptyDir to the group
    files = {"seal.keys": (SEAL_KEY, 0o440), "gateway.toml": (configuration(objects), 0o644)}
    for name, (text, mode) in files.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(mode)
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(stat.S_IMODE(folder.stat().st_mode) | stat.S_IXGRP)
    places = {
        "SESSION_GATEWAY_SEAL_KEYS_FILE": str(tmp_path / "seal.keys"),
        "SESSION_GATEWAY__STATE__DIRECTORY": str(tmp_path / "state"),
        "SESSION_GATEWAY__LISTEN__ADDRESS": "127.0.0.1:0",
        "SESSION_GATEWAY__ADMIN__ADDRESS": "127.0.0.1:0",
    }
    arguments = [str(tmp_path / "gateway.toml") if word == "/etc/session-gateway/gateway.toml" else word for word in container["args"]]
    async with running([*another_user, *OWN_PROGRAM, *arguments], b'"listening"', {**environment(container), **places}):
        made = (tmp_path / "state" / "state.db").stat()
        assert (made.st_uid, stat.S_IMODE(made.st_mode)) == (USER_OF_A_NAMESPACE, 0o600)
