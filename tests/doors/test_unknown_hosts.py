"""What a host that is not ours gets: 421, and the files which the page for it loads."""

import pytest

from gateway.pages import ASSET_NAMES, ASSET_PREFIX, asset
from tests.doors.listening import listener

HTML = "Accept: text/html,*/*"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("name", ASSET_NAMES)
async def test_the_page_for_an_unknown_host_gets_its_files_there(name: str, method: str) -> None:
    found = asset(name)
    assert found is not None
    async with listener() as place:
        page = (await place.get("evil.example", HTML)).decode()
        address = f"{ASSET_PREFIX}{name}?v={found.version}"
        assert f'"{address}"' in page
        head, _, body = (await place.get("evil.example", target=address, method=method)).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert b"\r\nContent-Type: " + found.content_type in head
        assert body == (found.body if method == "GET" else b"")
        assert (place.lines[-1]["door"], place.lines[-1]["verdict"]) == ("none", "asset")
        assert place.app.heads == place.login.heads == []


@pytest.mark.parametrize(
    ("method", "target"),
    [("POST", "/.gateway/page.css"), ("GET", "/.gateway/"), ("GET", "/.gateway/session"), ("GET", "/page.css"), ("GET", "/.gateway/x.css")],
)
async def test_an_unknown_host_gets_nothing_else(method: str, target: str) -> None:
    async with listener() as place:
        assert (await place.get("evil.example", target=target, method=method)).startswith(b"HTTP/1.1 421 ")
