"""More than one gateway only where all of them share one Redis, and no client affinity anywhere.

A pod without Redis has a memory of its own. So there is one such pod, and an update ends it before it starts the next one.
"""

import re
import tomllib
from collections.abc import Mapping

import pytest

from tests.deploy.objects import DEPLOY, RUNNING, Object, configuration, environment, gateway_of, of, of_chart, one, rendered, values_of

URL = "redis://redis:6379/0"
AFFINITY = re.compile(
    r"sessionAffinity|upstream-hash-by|consistent_?hash|hash \$|ip_hash|\bhrw\b|\bsticky|useSourceIp|RING_HASH|MAGLEV|balance source",
    re.IGNORECASE,
)

# Values of the chart: how many pods they make, and whether the pods share a Redis.
COUNTS: Mapping[str, tuple[Object, int | None, bool]] = {
    "the defaults": ({}, 1, False),
    "more pods than one without Redis": ({"replicaCount": 5}, 1, False),
    "an autoscaler without Redis": ({"autoscaling": {"enabled": True}}, 1, False),
    "a volume instead of Redis": ({"replicaCount": 3, "persistence": {"enabled": True}}, 1, False),
    "an existing Redis": ({"redis": {"url": URL}}, 2, True),
    "an existing Redis and three": ({"replicaCount": 3, "redis": {"url": URL}}, 3, True),
    "an existing Redis and one": ({"replicaCount": 1, "redis": {"url": URL}}, 1, True),
    "an existing Redis and an autoscaler": ({"autoscaling": {"enabled": True}, "redis": {"url": URL}}, None, True),
    "a Redis of its own": ({"redis-ha": {"enabled": True}}, 2, True),
    "a sidecar without Redis": ({**values_of("sidecar"), "redis": {}}, 1, False),
    "a sidecar with Redis": (values_of("sidecar"), 2, True),
}


def _redis(objects: list[Object]) -> str:
    """Where the gateway of these objects looks for Redis; empty where it has none."""
    _, container = gateway_of(objects)
    said = tomllib.loads(configuration(objects)).get("state", {})
    return str(environment(container).get("SESSION_GATEWAY__STATE__URL") or said.get("url", ""))


@pytest.mark.parametrize("what", COUNTS)
def test_the_chart_makes_more_than_one_pod_only_with_redis(what: str) -> None:
    values, count, has_redis = COUNTS[what]
    objects = of_chart(values)
    spec = one(objects, "Deployment")["spec"]
    assert (spec.get("replicas"), bool(_redis(objects))) == (count, has_redis)
    assert any(thing["kind"] == "HorizontalPodAutoscaler" for thing in objects) is (count is None)


@pytest.mark.parametrize("source", RUNNING)
def test_pods_stand_side_by_side_only_where_they_share_redis(source: str) -> None:
    objects = of(source)
    _, container = gateway_of(objects)
    spec = one(objects, "Deployment")["spec"]
    if _redis(objects):
        assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
        assert "SESSION_GATEWAY__STATE__DIRECTORY" not in environment(container)
    else:
        assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
        assert "SESSION_GATEWAY__STATE__DIRECTORY" in environment(container)
        assert [thing for thing in objects if thing["kind"] == "HorizontalPodAutoscaler"] == []


@pytest.mark.parametrize("source", RUNNING)
def test_an_outage_of_redis_takes_no_pod_out_of_its_service_but_lets_none_start(source: str) -> None:
    container = gateway_of(of(source))[1]
    ways = {name: container[name]["httpGet"]["path"] for name in ("startupProbe", "readinessProbe", "livenessProbe")}
    assert ways == {"startupProbe": "/readyz", "readinessProbe": "/readyz?exclude=revocations", "livenessProbe": "/healthz"}


def test_nothing_asks_for_client_affinity() -> None:
    files = [path for path in DEPLOY.rglob("*") if path.is_file() and path.suffix not in (".md", ".png", ".pyc")]
    assert len(files) > 60
    found = [(path.name, match[0]) for path in files for match in AFFINITY.finditer(path.read_text(encoding="utf-8"))]
    assert found == []
    assert AFFINITY.search("  sessionAffinity: ClientIP") is not None


@pytest.mark.parametrize("source", [source for source in RUNNING if "defaults" not in source])
def test_what_redis_asks_for_is_in_a_file_of_its_secret(source: str) -> None:
    objects = of(source)
    pod, container = gateway_of(objects)
    said = tomllib.loads(configuration(objects)).get("state", {})
    told = {name: environment(container).get(f"SESSION_GATEWAY__STATE__{name.upper()}", said.get(name)) for name in FILES}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    held = {
        f"{mount['mountPath']}/{item['path']}"
        for mount in container["volumeMounts"]
        for item in volumes[mount["name"]].get("secret", {}).get("items", ())
    }
    assert {path for path in told.values() if path} <= held


FILES = ("user_file", "password_file", "ca_file", "sentinel_password_file")


def test_an_existing_redis_may_ask_for_user_password_and_certificates() -> None:
    values = environment(gateway_of(of("chart:redis"))[1])
    assert values["SESSION_GATEWAY__STATE__ENGINE"] == "redis"
    assert {name: values[f"SESSION_GATEWAY__STATE__{name.upper()}"] for name in FILES[:3]} == {
        "user_file": "/run/session-gateway/redis/user",
        "password_file": "/run/session-gateway/redis/password",
        "ca_file": "/run/session-gateway/redis/ca.crt",
    }
    open_to_all = environment(gateway_of(of_chart({"redis": {"url": URL}}))[1])
    assert [name for name in FILES if f"SESSION_GATEWAY__STATE__{name.upper()}" in open_to_all] == []


def test_the_pods_may_ask_redis_and_it_alone() -> None:
    def ways(objects: list[Object]) -> list[Object]:
        policy = one(objects, "NetworkPolicy", "session-gateway")["spec"]["egress"]
        return [rule for rule in policy if {port["port"] for port in rule.get("ports", ())} & {6379, 6380}]

    assert ways(of("chart:redis")) == [{"to": [{"ipBlock": {"cidr": "10.20.0.9/32"}}], "ports": [{"port": 6380, "protocol": "TCP"}]}]
    assert ways(of("chart:redis-ha")) == [
        {
            "to": [{"podSelector": {"matchLabels": {"release": "session-gateway", "app": "redis-ha-haproxy"}}}],
            "ports": [{"port": 6379, "protocol": "TCP"}],
        }
    ]
    assert ways(of("chart:defaults")) == []


@pytest.mark.parametrize("release", ["session-gateway", "edge"])
def test_the_redis_that_comes_along_is_where_the_gateway_looks(release: str) -> None:
    objects = of_chart(values_of("redis-ha"), name=release)
    service = one(objects, "Service", f"{release}-redis-ha-haproxy")
    assert _redis(objects) == f"redis://{service['metadata']['name']}:{service['spec']['ports'][0]['port']}/0"
    read = one(objects, "ConfigMap", f"{release}-redis-ha-read")["data"]
    pod, _ = gateway_of(objects)
    (secret,) = (volume["secret"] for volume in pod["volumes"] if volume["name"] == "redis")
    assert secret["secretName"] == read["existingSecret"]
    assert [item["key"] for item in secret["items"]] == read["keys"].split()[:1]
    assert {"maxmemory-policy noeviction", "appendonly yes"} <= set(read["redis.conf"].splitlines())
    assert [thing for thing in of("chart:defaults") if "redis" in thing["metadata"]["name"]] == []


def test_the_notes_say_why_there_is_one_pod() -> None:
    for values in ({}, {"replicaCount": 3}, {"autoscaling": {"enabled": True}}):
        notes = " ".join(rendered(values)["NOTES.txt"].split())
        for words in ("pods: 1)", "ONE pod, because no Redis is configured (replicaCount", "Recreate", "redis.url, or redis-ha.enabled"):
            assert words in notes
    assert "up to 35 seconds" in rendered({})["NOTES.txt"]
    assert "empty memory" in rendered({})["NOTES.txt"]
    assert "session-gateway-state" in rendered(values_of("persistent"))["NOTES.txt"]


def test_the_notes_say_that_any_pod_may_answer() -> None:
    for name, pods in (("redis", "3"), ("redis-ha", "2"), ("sidecar", "2"), ("everything", "2 to 6")):
        notes = " ".join(rendered(values_of(name))["NOTES.txt"].split())
        assert f"pods: {pods})" in notes
        assert "no client affinity is needed" in notes
        assert "ONE pod" not in notes


def test_the_state_may_lie_on_a_claim_that_outlives_the_pod() -> None:
    objects = of("chart:persistent")
    claim = one(objects, "PersistentVolumeClaim")
    pod, _ = gateway_of(objects)
    (volume,) = (volume for volume in pod["volumes"] if volume["name"] == "state")
    assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    assert (claim["spec"]["accessModes"], claim["spec"]["storageClassName"]) == (["ReadWriteOnce"], "block-ssd")
    own = of_chart({"persistence": {"enabled": True, "existingClaim": "mine"}})
    assert [thing for thing in own if thing["kind"] == "PersistentVolumeClaim"] == []
    assert {"name": "state", "persistentVolumeClaim": {"claimName": "mine"}} in gateway_of(own)[0]["volumes"]
    shared = of_chart({"persistence": {"enabled": True}, "redis": {"url": URL}})
    assert [thing for thing in shared if thing["kind"] == "PersistentVolumeClaim"] == []
