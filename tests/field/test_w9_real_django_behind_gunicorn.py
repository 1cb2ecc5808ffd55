"""Rows W9, W6 and W11 with a real Django behind gunicorn that has an internal name: a form, an upload, a redirect, a cookie."""

import importlib.util
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.deploy.running import running
from tests.field import real_apps
from tests.harness.browser import ALICE, FORM, HR, Browser
from tests.harness.site import CONFIGURATION, Site, deployed

BEGINNING, _, REST = CONFIGURATION.partition('upstream = "{upstream}"\n')
BOUNDARY = "boundary"


@pytest.fixture
async def django() -> AsyncIterator[Site]:
    for name in ("django", "gunicorn"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"needs {name}")
    folder = str(Path(real_apps.__file__).parent)
    command = (sys.executable, "-m", "gunicorn", "-b", "127.0.0.1:0", "--pythonpath", folder, "django_forms:application")
    async with running(command, b"Listening at", {}) as (_, line):
        address = line.partition(b"Listening at: ")[2].split()[0].decode()
        keys = f'upstream = "{address}"\nupstream_host = "intranet.corp"\nbuffer_uploads = "1MiB"\n'
        async with deployed(configuration=BEGINNING + keys + REST) as site:
            yield site


async def at_the_form(site: Site) -> tuple[Browser, str]:
    """A browser that is signed in and has the form, and the form's token."""
    browser = await site.entered()
    return browser, (await browser.ask(f"{HR}/form")).body


def sent(token: str, size: int) -> str:
    parts = (("csrfmiddlewaretoken", token), ("word", "hello"), ('file"; filename="a.bin', "x" * size))
    text = "".join(f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in parts)
    return f"{text}--{BOUNDARY}--\r\n"


@pytest.mark.parametrize("who_asks", [{"Origin": HR}, {"Referer": f"{HR}/form"}, {"Origin": HR, "Referer": f"{HR}/form"}])
async def test_w9_a_form_is_sent_and_leads_on(django: Site, who_asks: dict[str, str]) -> None:
    browser, token = await at_the_form(django)
    fields = {**FORM, **who_asks, "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    reply = await browser.post(f"{HR}/form", sent(token, 300_000), fields)
    assert (reply.status, reply.location) == (302, f"{HR}/done?word=hello&size=300000")
    done = await browser.ask(reply.location)
    assert done.body == f"{ALICE} hello 300000 of-the-app"


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://intranet.corp", "http://hr.example.com", "https://login.example.com"]
)
async def test_w9_djangos_own_check_still_refuses_strangers(django: Site, origin: str) -> None:
    browser, token = await at_the_form(django)
    reply = await browser.post(f"{HR}/form", f"csrfmiddlewaretoken={token}&word=x", {**FORM, "Origin": origin})
    assert reply.status == 403


async def test_w9_and_a_form_without_its_token(django: Site) -> None:
    browser, _ = await at_the_form(django)
    assert (await browser.post(f"{HR}/form", "word=x", {**FORM, "Origin": HR})).status == 403


async def test_w11_an_upload_in_chunks_arrives_whole(django: Site) -> None:
    browser, token = await at_the_form(django)
    cookie = "; ".join(f"{name}={value}" for name, value in browser.jar(HR).items())
    body = sent(token, 200_000).encode()
    head = f"POST /form HTTP/1.1\r\nHost: hr.example.com\r\nOrigin: {HR}\r\nSec-Fetch-Site: same-origin\r\nCookie: {cookie}\r\n"
    head += f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    answer = await django.raw(head.encode() + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
    assert b"Location: https://hr.example.com/done?word=hello&size=200000\r\n" in answer
