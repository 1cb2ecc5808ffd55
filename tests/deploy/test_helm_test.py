"""`helm test` tells a gateway that works from one that does not: the pod's own program, against real gateways."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest
from aiohttp import web

from tests.deploy.objects import configuration, gateway_of, of, one
from tests.deploy.running import OWN_PROGRAM, listening_at, running
from tests.harness.configuration import SEALED

HERE = {"SESSION_GATEWAY__LISTEN__ADDRESS": "127.0.0.1:0", "SESSION_GATEWAY__ADMIN__ADDRESS": "127.0.0.1:0"}


async def _tested(gateway: str, config: Path) -> tuple[int, str]:
    """Exit code and output of the test pod's command."""
    (container,) = one(of("chart:defaults"), "Pod")["spec"]["containers"]
    assert container["command"] == ["/opt/session-gateway/bin/python", "-c"]
    command = (sys.executable, "-c", *container["args"])
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, env={"GATEWAY": gateway, "CONFIG": str(config)})
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


@pytest.mark.parametrize("trusted", ['["10.0.0.0/8"]', '["127.0.0.0/8"]'])
async def test_it_is_content_with_a_gateway_that_works(trusted: str, tmp_path: Path) -> None:
    objects = of("chart:defaults")
    config = tmp_path / "gateway.toml"
    config.write_text(configuration(objects))
    environ = {**HERE, **SEALED, "SESSION_GATEWAY__LISTEN__TRUSTED_PROXIES": trusted}
    arguments = [str(config) if word == "/etc/session-gateway/gateway.toml" else word for word in gateway_of(objects)[1]["args"]]
    async with running([*OWN_PROGRAM, *arguments], b'"listening"', environ) as (_, line):
        code, said = await _tested(f"http://{listening_at(line)}", config)
    assert (code, said.count("ok ")) == (0, 2), said
    assert "https://login.example.com 401" in said
    assert "https://hr.example.com 401" in said


async def test_it_fails_where_something_else_answers(tmp_path: Path) -> None:
    async def other(_: web.BaseRequest) -> web.Response:
        return web.Response(status=200, text="welcome")

    config = tmp_path / "gateway.toml"
    config.write_text(configuration(of("chart:defaults")))
    runner = web.ServerRunner(web.Server(other))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    code, said = await _tested(f"http://127.0.0.1:{runner.addresses[0][1]}", config)
    await runner.cleanup()
    assert (code, said.count("FAILED")) == (1, 2)
