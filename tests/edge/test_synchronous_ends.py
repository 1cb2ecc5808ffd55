"""Requests that are answered at once, and their ends: a side that leaves, a session that ends, a process that ends."""

import asyncio

import pytest

from gateway.edge.connection import ClientConnection
from gateway.edge.rules import ClientRules
from tests.edge.two_addresses import BROKEN, Thinking, asked, rest_of, two_addresses, under_way
from tests.harness.app import hello
from tests.harness.browser import BOB
from tests.harness.wire import PATIENCE

CLOSE = b"Connection: close\r\n"
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n"


class TestClientLeaves:
    @pytest.mark.parametrize("begins_with", [b"", STREAM], ids=["before the answer", "within the answer"])
    async def test_a_client_that_leaves_is_written_down_and_releases_the_app(self, begins_with: bytes) -> None:
        async with two_addresses() as tried, asyncio.timeout(PATIENCE):
            thinking = Thinking(begins_with)
            wire = await under_way(tried, thinking)
            assert len(tried.crowd) == 0 and len(tried.inner.live) == 1
            await wire.close()
            await thinking.left.wait()
            (line,) = await tried.fast.logged(1)
            assert (line["status"], line["verdict"], line["route"]) == (499, "admit", "/**")
            assert "session_gateway_requests_running 0.0" in tried.fast.counts
            await tried.quiet()

    @pytest.mark.parametrize("version", [b"1.1", b"1.0"])
    @pytest.mark.parametrize(
        "answer",
        [
            b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ndata: 1\n\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n",
        ],
    )
    async def test_an_app_that_breaks_off_breaks_the_clients_connection(self, answer: bytes, version: bytes) -> None:
        async with two_addresses() as tried, asyncio.timeout(PATIENCE):
            thinking = Thinking(answer, leaves=True)
            wire = await under_way(tried, thinking, version=version)
            thinking.go.set()
            assert await rest_of(wire) == BROKEN
            (line,) = await tried.fast.logged(1)
            assert (line["status"], line["reason"]) == (200, "cut_short:hung_up")
            await tried.quiet()

    @pytest.mark.parametrize(("leaves", "status", "reason"), [(True, 502, "upstream_hung_up"), (False, 504, "upstream_timed_out")])
    async def test_an_app_that_does_not_answer_is_a_page_and_the_connection_goes_on(self, leaves: bool, status: int, reason: str) -> None:
        async with two_addresses() as tried, asyncio.timeout(PATIENCE):
            thinking = Thinking(leaves=leaves)
            wire = await under_way(tried, thinking, b"Accept: text/html\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n")
            if leaves:
                thinking.go.set()
            head = await wire.head()
            assert head.startswith(b"HTTP/1.1 %d " % status) and b"text/html" in head and b"Connection:" not in head
            await wire.exactly(int(head.partition(b"Content-Length: ")[2].split(b"\r")[0]))
            (line,) = await tried.fast.logged(1)
            assert (line["status"], line["reason"], line["verdict"]) == (status, reason, "admit")
            tried.inner.app.script = hello
            await wire.say(asked(b"/b", tried.cookie, CLOSE))
            assert (await wire.rest()).endswith(b"hello")
            assert tried.fast.begun == [True, True]  # the app's only connection broke: the next request waits for a new one, without a task


class TestIdleConnection:
    async def test_a_slow_answer_is_not_an_idle_connection_and_an_idle_one_ends(self) -> None:
        async with two_addresses(rules=ClientRules(idle_seconds=0.1)) as tried, asyncio.timeout(PATIENCE):
            thinking = Thinking(STREAM, b"data: 2\n\n", leaves=True)
            wire = await under_way(tried, thinking)
            (connection,) = (each for each in tried.fast.server.connections if isinstance(each, ClientConnection))
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await wire.reader.read(1)
            assert connection.transport is not None
            thinking.go.set()
            assert (await wire.rest()).endswith(b"data: 2\n\n\r\n0\r\n\r\n")  # and then it was idle for as long as it may be


class TestDraining:
    @pytest.mark.parametrize("version", [b"1.1", b"1.0"])
    async def test_a_request_under_way_is_waited_for_and_told_that_it_is_the_last(self, version: bytes) -> None:
        async with two_addresses() as tried, asyncio.timeout(PATIENCE):
            thinking = Thinking(b"", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
            keep = b"Connection: keep-alive\r\n"
            wire = await under_way(tried, thinking, keep, version=version)
            stopping = asyncio.create_task(tried.fast.listening.aclose(PATIENCE))
            for _ in range(10):
                await asyncio.sleep(0)
            assert not stopping.done()
            thinking.go.set()
            answer = await rest_of(wire)
            assert (
                answer.endswith(b"hello") and (b"\r\nConnection: close\r\n" in answer or version == b"1.0") and b"keep-alive" not in answer
            )
            await stopping

    async def test_a_page_in_place_of_its_answer_says_so_too(self) -> None:
        async with two_addresses() as tried, asyncio.timeout(PATIENCE):
            thinking = Thinking(leaves=True)
            wire = await under_way(tried, thinking)
            stopping = asyncio.create_task(tried.fast.listening.aclose(PATIENCE))
            for _ in range(10):
                await asyncio.sleep(0)
            thinking.go.set()
            answer = await rest_of(wire)
            assert answer.startswith(b"HTTP/1.1 502 ") and b"\r\nConnection: close\r\n" in answer
            await stopping

    @pytest.mark.parametrize("which", ["fast", "slow"])
    @pytest.mark.parametrize("version", [b"1.1", b"1.0"])
    async def test_what_outlasts_the_drain_time_is_broken_off_and_never_looks_whole(self, which: str, version: bytes) -> None:
        async with two_addresses() as tried, asyncio.timeout(PATIENCE):
            address, thinking = getattr(tried, which), Thinking(STREAM)
            wire = await under_way(tried, thinking, version=version, address=address)
            await address.listening.aclose(0.05)
            assert await rest_of(wire) == BROKEN
            assert (await address.logged(1))[-1]["status"] in (200, 499)
            assert "session_gateway_requests_running 0.0" in address.counts
            await thinking.left.wait()
            await tried.quiet()


class TestRevoking:
    @pytest.mark.parametrize("version", [b"1.1", b"1.0"])
    async def test_the_end_of_a_session_breaks_its_stream_and_nobody_elses(self, version: bytes) -> None:
        async with two_addresses() as tried, asyncio.timeout(PATIENCE):
            hers, his = Thinking(STREAM), Thinking(STREAM, b"data: 2\n\n", leaves=True)
            held, _ = tried.inner.held()
            tried.cookie = tried.inner.sealed(held)
            await tried.warm()
            wire = await under_way(tried, hers, version=version)
            tried.cookie = tried.inner.cookie(BOB)
            await tried.warm()
            other = await under_way(tried, his)
            assert tried.fast.begun == [True, True]
            assert tried.inner.live.close(tried.inner.sessions.marks(held.cookies).fingerprints) == 1
            assert await rest_of(wire) == BROKEN
            await hers.left.wait()
            assert [(line["status"], line["reason"]) for line in await tried.fast.logged(1)] == [(200, "revoked")]
            his.go.set()
            assert (await other.until(b"0\r\n\r\n")).startswith(b"9\r\ndata: 2")
            await tried.quiet()

    async def test_a_session_that_ends_before_the_app_answers_leaves_no_status_that_nobody_sent(self) -> None:
        async with two_addresses() as tried, asyncio.timeout(PATIENCE):
            held, _ = tried.inner.held()
            tried.cookie, thinking = tried.inner.sealed(held), Thinking()
            await tried.warm()
            wire = await under_way(tried, thinking)
            tried.inner.live.close(tried.inner.sessions.marks(held.cookies).fingerprints)
            assert await rest_of(wire) == BROKEN
            assert [(line["status"], line["reason"]) for line in await tried.fast.logged(1)] == [(499, "revoked")]
            await thinking.left.wait()
