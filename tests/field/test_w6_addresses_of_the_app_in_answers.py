"""Row W6, answers: if an app names its public host with another scheme or port, or its own address, browsers get its public address."""

import pytest

from tests.harness.app import answering
from tests.harness.browser import HR
from tests.harness.site import Site


async def back(site: Site, name: str, value: str) -> list[str]:
    value = value.replace("PORT", str(site.behind.port))
    site.behind.script = answering(f"HTTP/1.1 302 Found\r\n{name}: {value}\r\nContent-Length: 0\r\n\r\n".encode("latin-1"))
    return (await site.ask("/public/x")).values(name)


@pytest.mark.parametrize("name", ["Location", "Content-Location"])
@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("http://hr.example.com/x?y#z", f"{HR}/x?y#z"),
        ("http://hr.example.com:80/x", f"{HR}/x"),
        ("http://hr.example.com:443/x", f"{HR}/x"),
        ("https://hr.example.com:443/x", f"{HR}/x"),
        ("http://hr.example.com:PORT/x", f"{HR}/x"),
        ("https://hr.example.com:PORT/x", f"{HR}/x"),
        ("http://127.0.0.1:PORT/x", f"{HR}/x"),
        ("http://localhost:PORT/x", f"{HR}/x"),
        ("//127.0.0.1:PORT/x", "//hr.example.com/x"),
        ("/x", "/x"),
        ("x", "x"),
        ("https://hr.example.com/x", f"{HR}/x"),
        ("https://hr.example.com.evil.example/x", "https://hr.example.com.evil.example/x"),
        ("http://hr.example.com@evil.example/x", "http://hr.example.com@evil.example/x"),
        ("http://hr.example.com:8081/x", "http://hr.example.com:8081/x"),
        ("http://127.0.0.1:1/x", "http://127.0.0.1:1/x"),
        ("http://wiki.example.com/x", "http://wiki.example.com/x"),
        ("https://login.example.com/x", "https://login.example.com/x"),
    ],
)
async def test_w6_a_redirect_to_the_apps_own_host_leads_there(site: Site, name: str, said: str, wanted: str) -> None:
    assert await back(site, name, said) == [wanted]


@pytest.mark.parametrize(
    ("name", "said", "wanted"),
    [
        ("Refresh", "0; url=http://hr.example.com/x", f"0; url={HR}/x"),
        ("Refresh", "5; url=http://evil.example/x", "5; url=http://evil.example/x"),
        ("URI", "<http://hr.example.com/x>", f"<{HR}/x>"),
        ("Link", '<http://hr.example.com/2>; rel=next, </3>; title="<http://hr.example.com/>"', None),
        ("Link", "<https://cdn.example/x.css>; rel=preload", "<https://cdn.example/x.css>; rel=preload"),
        ("Link", '"unclosed <http://hr.example.com/x>', '"unclosed <http://hr.example.com/x>'),
        ("X-Other", "http://hr.example.com/x", "http://hr.example.com/x"),
    ],
)
async def test_w6_other_fields_that_hold_addresses(site: Site, name: str, said: str, wanted: str | None) -> None:
    assert await back(site, name, said) == [wanted or f'<{HR}/2>; rel=next, </3>; title="<http://hr.example.com/>"']


async def test_w6_beside_a_connection_that_names_fields_too(site: Site) -> None:
    answer = b"HTTP/1.1 302 Found\r\nConnection: close, X-A\r\nX-A: 1\r\nLocation: http://hr.example.com/x\r\nContent-Length: 0\r\n\r\n"
    site.behind.script = answering(answer, then_close=True)
    reply = await site.ask("/public/x")
    assert (reply.location, reply.values("X-A")) == (f"{HR}/x", [])
