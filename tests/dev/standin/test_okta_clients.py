"""Okta's own clients, unchanged: the Python one with an API token, and okta-auth-js in Node."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.dev.standin import Engine, Org
from tests.dev.standin.conftest import ALICE, BOB, Serve

_SCRIPT = Path(__file__).with_name("auth_js_session.cjs")


async def test_oktas_python_client_reads_refreshes_and_ends_a_session_by_id(start: Serve, okta_client: Callable[[str, str], Any]) -> None:
    running = await start(Org())
    session = running.org.sign_in(ALICE)
    client = okta_client(running.url, running.org.api_token)
    found, _, problem = await client.get_session(session.id)
    assert problem is None
    assert (found.id, found.login, found.status.value, found.idp.id) == (session.sid, ALICE, "ACTIVE", running.org.id)
    running.org.clock.advance(60)
    refreshed, _, problem = await client.refresh_session(session.id)
    assert problem is None and refreshed.expires_at > found.expires_at
    _, answer, problem = await client.revoke_session(session.id)
    assert problem is None and answer.status_code == 204
    assert session.is_over
    *_, problem = await client.get_session(session.id)
    assert "E0000007" in str(problem)


@pytest.mark.parametrize("engine", ["classic", "identity"])
async def test_auth_js_in_node_sees_sessions_as_it_does_at_okta(start: Serve, auth_js: Path, node: str, engine: Engine) -> None:
    running = await start(Org(engine=engine))
    arguments = (str(_SCRIPT), str(auth_js), running.url, running.org.session_token(BOB))
    process = await asyncio.create_subprocess_exec(node, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    out, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, errors.decode()
    assert json.loads(out) == {
        "before": False,
        "inactive": {"status": "INACTIVE"},
        "refusal": "E0000004",
        "status": "SUCCESS",
        "user": ALICE,
        "exists": True,
        "login": ALICE,
        "me": ALICE,
        "refreshed": True,
        "afterAnother": ALICE,
        "closed": True,
        "closedAgain": False,
        "after": False,
        "refreshAfter": "E0000007",
    }
