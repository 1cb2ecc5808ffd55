"""Redis with TLS and an ACL user, behind Sentinel with a fail-over, and as a Cluster; and what a check says of it."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.errors import StateFailed
from gateway.policy.session.session import Fingerprint
from gateway.revocations import Revocation
from gateway.shared_state import RedisAddress, check_redis
from tests.harness.polling import moment
from tests.harness.ports import free_port
from tests.harness.redis_servers import SENTINEL, RedisProcess, needs_redis
from tests.shared_state.replicas import RedisReplica, replicas

pytestmark = needs_redis
ONE, OTHER = (Revocation((Fingerprint(bytes([number]) * 16),)) for number in (1, 2))
_PATIENT_SECONDS = 10.0
"""A Cluster is asked several questions before the first call."""
_CERTIFICATES = """set -e
new="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
openssl req -x509 $new -keyout ca.key -out ca.pem -days 2 -subj /CN=ca
openssl req $new -keyout key.pem -out asked.pem -subj /CN=localhost
printf 'subjectAltName=IP:127.0.0.1' >names
openssl x509 -req -in asked.pem -CA ca.pem -CAkey ca.key -CAcreateserial -out certificate.pem -days 2 -extfile names
"""
_RIGHTS = "~{session-gateway}:* -@all +@read +@write +@connection +eval +evalsha +info +time"


async def _holds(place: RedisAddress) -> None:
    async with replicas(place, call_seconds=_PATIENT_SECONDS) as (one, other):
        await one.state.publish(ONE)
        await other.until_heard(ONE)
        lease = await one.state.lease([b"k"], b"owner", 10.0)
        await one.state.put("record", b"k", b"v", 10.0, under=lease)
        assert await other.state.lease([b"k"], b"another", 10.0) is None
        assert await other.state.take("record", b"k") == b"v"
        assert await other.state.claim("ticket", b"k", 10.0) and not await one.state.claim("ticket", b"k", 10.0)


async def test_tls_with_a_client_certificate_and_a_user_with_few_rights(tmp_path: Path) -> None:
    subprocess.run(["bash", "-c", _CERTIFICATES], cwd=tmp_path, check=True, capture_output=True, timeout=30)
    port, files = free_port(), [f"tls-cert-file {tmp_path}/certificate.pem", f"tls-key-file {tmp_path}/key.pem"]
    listens = ["port 0", f"tls-port {port}", *files, f"tls-ca-cert-file {tmp_path}/ca.pem", "tls-auth-clients yes"]
    server = RedisProcess(tmp_path / "redis", *listens, "user default off", f"user gateway on >a-secret {_RIGHTS}", port=port)
    signs_in = RedisAddress("127.0.0.1", port, user="gateway", password="a-secret")
    shows = replace(signs_in, is_tls=True, certificate=f"{tmp_path}/certificate.pem", key=f"{tmp_path}/key.pem")
    place = replace(shows, ca_file=f"{tmp_path}/ca.pem")
    await _holds(place)
    assert (await check_redis(place)).problems == ()
    for wrong, says in (
        (replace(place, password="another"), "refuses user or password"),
        (replace(place, prefix="another"), "may not do what is needed"),
        (shows, "cannot be reached"),
        (signs_in, "cannot be reached"),
    ):
        one = RedisReplica(wrong, _PATIENT_SECONDS)
        with pytest.raises(StateFailed, match=says) as failed:
            await one.follow()
        await one.state.aclose()
        assert "secret" not in str(failed.value) + repr(wrong)
    server.kill()


async def test_a_fail_over_by_sentinel_loses_no_revocation(tmp_path: Path) -> None:
    primary = RedisProcess(tmp_path / "primary")
    replica = RedisProcess(tmp_path / "replica", f"replicaof 127.0.0.1 {primary.port}")
    watches = (f"sentinel monitor mine 127.0.0.1 {primary.port} 1", "sentinel down-after-milliseconds mine 500")
    sentinel = RedisProcess(tmp_path / "sentinel", *watches, "sentinel failover-timeout mine 2000", program=SENTINEL)
    for _ in range(300):
        if "slaves=1" in sentinel.cli("INFO", "sentinel") and "link_status:up" in replica.cli("INFO", "replication"):
            break
        await moment(0.05)
    async with replicas(RedisAddress("mine", sentinels=(("127.0.0.1", sentinel.port),)), call_seconds=2.0) as (one, other):
        await one.state.publish(ONE)
        await other.until_heard(ONE)
        primary.kill()
        with pytest.raises(StateFailed):
            await one.state.publish(OTHER)
        await other.until_heard(OTHER)
        await one.until_ready()
        await other.until_ready()
        async with replicas(replica.place, 1, _PATIENT_SECONDS) as (late,):
            await late.until_heard(ONE, OTHER)
    for server in (sentinel, replica):
        server.kill()


async def test_a_cluster_keeps_everything_of_a_prefix_on_one_node(tmp_path: Path) -> None:
    nodes = [RedisProcess(tmp_path / str(number), "cluster-enabled yes") for number in range(3)]
    addresses = [f"127.0.0.1:{node.port}" for node in nodes]
    subprocess.run(["redis-cli", "--cluster", "create", *addresses, "--cluster-yes"], check=True, capture_output=True, timeout=30)
    for _ in range(200):
        if all("cluster_state:ok" in node.cli("CLUSTER", "INFO") for node in nodes):
            break
        await moment(0.05)
    for number, node in enumerate(nodes):
        await _holds(replace(node.place, is_cluster=True, prefix=f"org{number}"))
        node.cli("PING")
    for node in nodes:
        node.kill()


async def test_a_check_says_what_is_unwise_and_leaves_nothing_behind(tmp_path: Path) -> None:
    server = RedisProcess(tmp_path / "redis")
    found = await check_redis(server.place)
    assert found.problems == () and ["appendonly" in warning for warning in found.warnings] == [True]
    server.cli("CONFIG", "SET", "maxmemory", "100mb")
    server.cli("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    assert any("allkeys-lru" in warning and "noeviction" in warning for warning in (await check_redis(server.place)).warnings)
    assert "ticket" not in server.cli("KEYS", "*") and server.cli("HLEN", "{session-gateway}:kind:check:values") == "0"
    server.kill()
    assert "cannot be reached" in (await check_redis(server.place)).problems[0]
