"""The three files that the pages load: style sheet, countdown script, logo.

Owns their bytes, their cache rules, and the hash in their address. Must never serve another name, nor read the disk for a request. They
are cached for a day and not for a year, because while a deployment is rolled out, an old replica may answer for a new hash.
"""

from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files

ASSET_PREFIX = "/.gateway/"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its body, its media type, the first digits of its hash, and all its response fields."""

    body: bytes
    content_type: bytes
    version: str
    fields: tuple[tuple[bytes, bytes], ...]


def _load(name: str, content_type: bytes) -> Asset:
    body = files(__package__).joinpath("static", name).read_bytes()
    version = sha256(body).hexdigest()[:12]
    fields = (
        (b"Content-Type", content_type),
        (b"Cache-Control", b"public, max-age=86400, immutable"),
        (b"ETag", b'"%s"' % version.encode()),
        (b"X-Content-Type-Options", b"nosniff"),
        (b"Cross-Origin-Resource-Policy", b"same-origin"),
        (b"Content-Security-Policy", b"default-src 'none'; frame-ancestors 'none'"),
    )
    return Asset(body=body, content_type=content_type, version=version, fields=fields)


_ASSETS = {
    name: _load(name, content_type)
    for name, content_type in (
        ("page.css", b"text/css; charset=utf-8"),
        ("page.js", b"text/javascript; charset=utf-8"),
        ("mark.svg", b"image/svg+xml"),
    )
}
ASSET_NAMES = tuple(_ASSETS)


def asset(name: str) -> Asset | None:
    """The file served at /.gateway/{name}, or None for any other name."""
    return _ASSETS.get(name)


def asset_address(name: str) -> str:
    """The path of a listed file with its content hash in the query; KeyError for a name that is not listed."""
    return f"{ASSET_PREFIX}{name}?v={_ASSETS[name].version}"
