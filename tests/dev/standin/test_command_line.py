"""`session-gateway org`: https with a certificate of its own, Trusted Origins."""

import asyncio
import signal
import ssl
from pathlib import Path

import aiohttp

from tests.harness.configuration import program


async def test_org_serves_https_with_a_certificate_of_its_own_and_trusts_the_origins_given() -> None:
    page = "https://rp.example.com"
    process = await program("org", "--port", "0", "--tls", "--trusted-origin", page)
    assert process.stdout is not None
    async with asyncio.timeout(60):
        place, trust, ready = [(await process.stdout.readline()).decode().split() for _ in range(3)]
        assert ready == ["ready"] and place[1].startswith("https://127.0.0.1:")
        trusted = ssl.create_default_context(cafile=trust[1])
        async with aiohttp.ClientSession() as client:
            answer = await client.get(f"{place[1]}/api/v1/sessions/me", ssl=trusted, headers={"Origin": page})
            assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (404, page)
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0
        assert not Path(trust[1]).exists()
