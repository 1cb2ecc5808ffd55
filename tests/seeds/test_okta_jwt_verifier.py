"""Okta's own verifier for Python, unchanged, and by https: the tokens that come through the gateway are good, and no others. Seed 4."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from gateway.dev.standin import Client, Engine
from tests.harness.demonstration import Stages
from tests.harness.person import ALICE
from tests.seeds.engines import EACH_ENGINE

pytestmark = pytest.mark.asyncio(loop_scope="session")
PROGRAM = Path(__file__).with_name("okta_verifier.py")
SECRET, BACK = "s3cret", "https://rp.example.com/callback"
SECONDS = 40.0


@EACH_ENGINE
async def test_s58_a_server_checks_both_tokens_by_okta_jwt_verifier_of_pypi(start: Stages, engine: Engine) -> None:
    stage = await start(engine=engine, tls=True)
    stage.org.clients.register(Client("0oaServer", (BACK,), secret=SECRET))
    issuer, token = f"{stage.where.login}/oauth2/default", stage.org.session_token(ALICE)
    asked = {"issuer": issuer, "client_id": "0oaServer", "secret": SECRET, "back": BACK, "session_token": token}
    trusted = dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), str(stage.demonstration.certificate))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(PROGRAM), json.dumps(asked)),
        env={**os.environ, **trusted},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(SECONDS):
            out, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    assert process.returncode == 0, errors.decode()
    refusals = json.loads(out)
    assert set(refusals) == {"forged", "other nonce", "other client", "other issuer"} and all(refusals.values()), refusals
    assert [session.user.login for session in stage.org.sessions.active()] == [ALICE]
