"""The requests of one page as a browser sends them: eight shapes, with the fields of Chromium, behind a proxy that speaks TLS.

Owns the bytes of these requests. ``wrk.NEW`` stands where a cookie's value changes. A user has an address and a Cookie field of his own.
"""

from dataclasses import dataclass

from tests.bench.proxies.app_request import HOST
from tests.bench.proxies.wrk import NEW

ADDRESSES = 40
BRANDS = '"Chromium";v="126", "Not;A=Brand";v="24", "Google Chrome";v="126"'
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
PAGE = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8"
PICTURE = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
HERE, SLIPS = f"https://{HOST}", f"https://{HOST}/payroll/slips?month=3"
Lines = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of request: its target, its Accept field, its Fetch Metadata, and what else such a request has."""

    name: str
    target: str
    accept: str
    mode: str
    destination: str
    more: Lines = ()


SHAPES = (
    Shape(
        "document", "/payroll/slips?month=3", PAGE, "navigate", "document", (("Upgrade-Insecure-Requests", "1"), ("Sec-Fetch-User", "?1"))
    ),
    Shape("script", "/static/app.4f1c07.js", "*/*", "no-cors", "script"),
    Shape("style", "/static/site.91ab3e.css", "text/css,*/*;q=0.1", "no-cors", "style"),
    Shape("image", "/static/logo.svg", PICTURE, "no-cors", "image"),
    Shape("fetch", "/api/slips?month=3", "application/json", "cors", "empty", (("X-Requested-With", "XMLHttpRequest"),)),
    Shape("font", "/static/inter.woff2", "*/*", "cors", "font", (("Origin", HERE),)),
    Shape(
        "poll", "/api/unread?since=1700000000", "application/json", "cors", "empty", (("Cache-Control", "no-cache"), ("Pragma", "no-cache"))
    ),
    Shape("frame", "/payroll/chart", PAGE, "navigate", "iframe", (("Upgrade-Insecure-Requests", "1"),)),
)


def address_of(number: int) -> str:
    """Where this user sits."""
    return f"192.0.2.{number % ADDRESSES + 1}"


def cookies_of(login: str, cookie: str) -> str:
    """The whole Cookie field: ``cookie`` is what the sign-in left; the app checks ``who``."""
    return f"{cookie}; who={login}; theme=dark; _ga=GA1.2.1234567890.1700000000; last={NEW.decode()}"


def head(shape: Shape, address: str, cookies: str) -> bytes:
    """The request as it goes over the wire."""
    lines = (
        *(("Host", HOST), ("X-Forwarded-For", address), ("X-Forwarded-Proto", "https")),
        *(("sec-ch-ua", BRANDS), ("sec-ch-ua-mobile", "?0"), ("sec-ch-ua-platform", '"Linux"')),
        *(("User-Agent", AGENT), ("Accept", shape.accept), *shape.more),
        *(("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Mode", shape.mode), ("Sec-Fetch-Dest", shape.destination)),
        *(("Referer", HERE + "/payroll" if shape.name == "document" else SLIPS), ("Accept-Encoding", "gzip, deflate, br, zstd")),
        *(("Accept-Language", "en-GB,en;q=0.9,de;q=0.8"), ("Cookie", cookies)),
    )
    return "\r\n".join((f"GET {shape.target} HTTP/1.1", *(f"{name}: {value}" for name, value in lines), "", "")).encode("latin-1")
