"""Checks the field names by which an app is told who the user is: some names cannot be used for that.

Owns the problems of ``app.identity`` and ``app.allow_fields``. What happens to a request's fields is in ``policy.http.fields``. Rules
from: RFC 9110 §7.6.1, RFC 9112 §6.
"""

from collections.abc import Iterator

from gateway.config.model import AppTable
from gateway.config.places import Path
from gateway.policy.http.hop_by_hop import HOP_BY_HOP, is_end_to_end
from gateway.policy.http.proxy_fields import REQUEST_ID, folded, is_about_the_user, is_about_the_way
from gateway.policy.routing.forward_auth_response import LARGEST_IDENTITY_BYTES, bytes_of_names

Problem = tuple[Path, str]
_FRAMES: frozenset[bytes] = frozenset((b"content-length", b"transfer-encoding", b"host", b"cookie", b"expect"))
_EXAMPLE = 'name one of its own, such as "Remote-User" or "X-Auth-User"'


def identity_conflicts(app: AppTable) -> Iterator[Problem]:
    """Every problem with these names, although each is a valid field name."""
    names = [name.encode("ascii") for name in app.identity]
    if bytes_of_names(names) > LARGEST_IDENTITY_BYTES // 2:
        yield ("identity",), "has so many names that a front proxy would have no room for their values; name fewer"
    seen: dict[bytes, str] = {}
    for text, name in zip(app.identity, names, strict=True):
        problem = _not_an_identity(folded(name))
        if problem is not None:
            yield ("identity", text), f"{problem}; {_EXAMPLE}"
        elif folded(name) in seen:
            yield ("identity", text), f'is "{seen[folded(name)]}" to most servers; keep one of the two'
        seen.setdefault(folded(name), text)
    for position, text in enumerate(app.allow_fields):
        name = folded(text.encode("ascii"))
        if name in seen:
            yield ("allow_fields", position), f'"{text}" is set by the gateway (identity), and never taken from a client; leave it out'
        elif name in HOP_BY_HOP or name in _FRAMES or name == REQUEST_ID:
            yield ("allow_fields", position), f'"{text}" is the gateway\'s own on every request, so this changes nothing; leave it out'


def _not_an_identity(fold: bytes) -> str | None:
    if fold in HOP_BY_HOP or fold in _FRAMES:
        return "says where a message ends or where it goes, so the app would read another request"
    if fold == REQUEST_ID:
        return "is the id of the request"
    if is_about_the_user(fold):
        return None
    if is_about_the_way(fold):
        return "says by which way a request came, and the app would take the user for an address"
    if is_end_to_end(fold) and not fold.startswith(b"x-"):
        return "is a field of every browser, and the app would lose what the browser says in it"
    return None
