"""Every answer of a real org that was recorded, beside the stand-in's own to the same request: each field, cookie and property."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway.dev.standin import Org, RunningOrg, User
from tests.dev.standin.browser import OrgBrowser, Seen
from tests.dev.standin.conftest import PASSWORD, Open, Serve
from tests.dev.standin.recorded import ComparableAnswer, comparable

PERSON = "session.user@example.com"
HOST = "org.example.com"

# In the order of the recording: what the session token or the session id of the request is.
REQUESTS = (
    "authn",
    "a session of a token",
    "an end by id",
    "a session of a wrong token",
    "a session by id",
    "no session by id",
    "a refresh by id",
    "no refresh by id",
    "no end by id",
    "a session of nothing",
    "sessions without an id",
)


@pytest.fixture(scope="module")
def exchanges(shared_folder: Path) -> list[dict[str, Any]]:
    file = shared_folder / "okta-recorded.json"
    if not file.is_file():
        pytest.skip("../shared/okta-recorded.json is absent")
    found = json.loads(file.read_text())["exchanges"]
    assert len(found) == len(REQUESTS)
    assert isinstance(found, list)
    return found


def answer_of_okta(exchange: Mapping[str, Any]) -> ComparableAnswer:
    """The recorded answer, about the stand-in's person."""
    response = exchange["response"]
    text = json.dumps(response["body"]) if response["body"] else ""
    for theirs, ours in (("someone@example.com", PERSON), ("SessionTest", "Session")):
        text = text.replace(theirs, ours)
    return comparable(exchange["request"]["path"], response["status"], response["fields"], text)


async def asked_of_the_standin(running: RunningOrg, browser: OrgBrowser, exchange: Mapping[str, Any]) -> tuple[str, Seen]:
    """The recorded request, with a living session and a living token in the places of the recorded ones."""
    request, path = exchange["request"], exchange["request"]["path"]
    is_found = exchange["response"]["status"] < 300
    if "example" in path and is_found:
        head, _, tail = path.partition("/sessions/")
        path = f"{head}/sessions/{running.org.sign_in(PERSON).sid}/{tail.partition('/')[2]}".rstrip("/")
    payload = json.loads(request["body"]) if request["body"] else None
    if payload is not None and is_found:
        payload = {"sessionToken": running.org.session_token(PERSON)}
    if path.endswith("/authn"):
        payload = {"username": PERSON, "password": PASSWORD}
    fields = {"Host": HOST, "X-Forwarded-Proto": "https"}
    if request["authorization"]:
        fields["Authorization"] = f"{request['authorization']} {running.org.api_token}"
    if request["method"] == "POST" and payload is None:
        fields["Content-Length"] = "0"
    return path, await browser.ask(request["method"], path, fields, payload=payload)


@pytest.mark.parametrize("index", range(len(REQUESTS)), ids=REQUESTS)
async def test_the_standin_answers_as_the_recorded_org(start: Serve, browse: Open, exchanges: list[dict[str, Any]], index: int) -> None:
    running = await start(Org(users=(User(PERSON, PASSWORD),)))
    path, seen = await asked_of_the_standin(running, browse(running), exchanges[index])
    theirs, ours = answer_of_okta(exchanges[index]), comparable(path, seen.status, seen.fields.items(), seen.text)
    assert ours.status == theirs.status
    assert ours.fields == theirs.fields
    assert ours.body == theirs.body
