"""The admin address on a real socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from gateway.compose.addresses import bind
from gateway.doors.health import Health
from gateway.doors.refusals import refusal
from gateway.edge.handling import Handling
from gateway.edge.server import HttpServer, Listening
from gateway.observe.metrics import Metrics
from gateway.policy.http.messages import Malformed

METRICS_LINE = 'session_gateway_requests_total{door="app",status="200",verdict="admit"} 1.0'


@asynccontextmanager
async def admin(unready: dict[str, str], metrics: Metrics | None = None) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of an admin listener; what stands in ``unready`` keeps traffic away."""
    health = Health(metrics or Metrics(), lambda: unready, "admin.example.com")
    bound = bind("127.0.0.1:0", str)
    listening = Listening(HttpServer(Handling(health.handle, lambda malformed: refusal(Malformed(400, malformed.reason), ()))), bound)
    port = bound.getsockname()[1]
    await listening.start()
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
            yield client
    finally:
        await listening.aclose(0)


async def test_it_is_alive_and_ready_until_a_part_is_not() -> None:
    unready: dict[str, str] = {}
    async with admin(unready) as client:
        assert await (await client.get("/healthz")).json() == {"status": "alive"}
        assert await (await client.get("/readyz")).json() == {"status": "ready"}
        unready["process"] = "stopping"
        answer = await client.get("/readyz")
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        assert await answer.json() == {"status": "not_ready", "reasons": {"process": "stopping"}}
        assert (await client.get("/healthz")).status == 200


async def test_readiness_passes_by_what_the_caller_excludes() -> None:
    async with admin({"revocations": "not shared"}) as client:
        assert (await client.get("/readyz")).status == 503
        assert (await client.get("/readyz?exclude=revocations")).status == 200
        assert (await client.get("/readyz?exclude=process")).status == 503
        assert (await client.get("/readyz?exclude=")).status == 503
    async with admin({"revocations": "not shared", "process": "stopping"}) as client:
        answer = await client.get("/readyz?exclude=revocations")
        assert (answer.status, (await answer.json())["reasons"]) == (503, {"process": "stopping"})
        assert (await client.get("/readyz?exclude=revocations&exclude=process")).status == 200


async def test_metrics_are_told_in_prometheus_text() -> None:
    metrics = Metrics()
    metrics.request_started()
    metrics.answered("app", "admit", 200, 0.01)
    async with admin({}, metrics) as client:
        answer = await client.get("/metrics")
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert METRICS_LINE in await answer.text()


@pytest.mark.parametrize(
    "fields",
    [{"Sec-Fetch-Mode": "navigate"}, {"Sec-Fetch-Site": "none"}, {"Origin": "https://evil.example"}, {"Origin": "null"}],
    ids=lambda fields: next(iter(fields.items())),
)
async def test_browsers_are_told_nothing(fields: dict[str, str]) -> None:
    async with admin({}) as client:
        for path in ("/metrics", "/readyz", "/healthz", "/other"):
            answer = await client.get(path, headers=fields)
            assert answer.status == 403
            assert await answer.json() == {"error": "no_browsers"}


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("10.1.2.3:9090", 200),
        ("[::1]", 200),
        ("[fd00::7]:9090", 200),
        ("LOCALHOST:9090", 200),
        ("admin.example.com", 200),
        ("Admin.example.com:9090", 200),
        ("attacker.example", 403),
        ("attacker.example:9090", 403),
        ("localhost.attacker.example:9090", 403),
        ("127.0.0.1.attacker.example", 403),
        ("127.0.0.1@attacker.example", 403),
        ("[::1", 403),
        ("", 403),
    ],
)
async def test_a_page_that_points_a_name_of_its_own_at_this_machine_learns_nothing(host: str, status: int) -> None:
    """DNS rebinding: for such a page the request is one of its own site, so an old browser puts no Origin into it."""
    async with admin({}) as client:
        answer = await client.get("/metrics", headers={"Host": host})
        assert answer.status == status


@pytest.mark.parametrize("path", ["/", "/healthz/", "/healthz/x", "/HEALTHZ", "/readyz%20", "/metrics/..", "/.gateway/session"])
async def test_there_is_nothing_else(path: str) -> None:
    async with admin({}) as client:
        assert (await client.get(path)).status == 404


async def test_only_reading_is_possible() -> None:
    async with admin({}) as client:
        assert (await client.head("/healthz")).status == 200
        answer = await client.post("/metrics")
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


async def test_answers_are_not_stored_and_name_no_server() -> None:
    async with admin({}) as client:
        for path in ("/healthz", "/readyz", "/metrics", "/other"):
            answer = await client.get(path)
            assert answer.headers["Cache-Control"] == "no-store"
            assert "HttpServer" not in answer.headers
