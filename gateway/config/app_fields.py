"""Checks the names of the fields that the gateway sets for an app: some names cannot be used for that.

Owns the problems of ``app.identity``, ``app.allow_fields`` and ``app.set_fields``. What happens to a request's fields is in
``policy.http.fields``. Rules from: RFC 9110 §7.6.1, RFC 9112 §6.

Also the problems of ``set_fields``, constant fields that an operator sends to an app with every request. Only the gateway may set a field
that names the user, says how the request came, or says where the message ends: a constant value would be wrong for most requests.
"""

from collections.abc import Iterator
from typing import Final

from gateway.config.model import AppTable
from gateway.config.places import Problem
from gateway.policy.http.hop_by_hop import HOP_BY_HOP, is_end_to_end
from gateway.policy.http.proxy_fields import REQUEST_ID, folded, is_about_the_user, is_about_the_way
from gateway.policy.routing.forward_auth_response import LARGEST_IDENTITY_BYTES, bytes_of_names

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


_MESSAGE: Final = frozenset((b"host", b"content-length", b"expect", b"cookie", b"cookie2"))


def set_field_conflicts(app: AppTable) -> Iterator[Problem]:
    """Every problem with the ``set_fields`` of one app."""
    seen: set[bytes] = set()
    identity = {folded(name.encode("ascii")) for name in app.identity}
    for name in app.set_fields:
        fold = folded(name.encode("ascii"))
        problem = _problem(fold, identity)
        if problem is None and fold in seen:
            problem = "is there twice, in two spellings; keep one"
        if problem is None and fold in {folded(other.encode("ascii")) for other in app.allow_fields}:
            problem = "is in allow_fields too, which lets a client say something else; keep one of the two"
        if problem is not None:
            yield ("set_fields", name), problem
        seen.add(fold)


def _problem(fold: bytes, identity: set[bytes]) -> str | None:
    if fold in identity or is_about_the_user(fold):
        return "says who the user is, and would say it of everybody; use identity, or leave it out"
    if fold in HOP_BY_HOP or fold in _MESSAGE or fold.startswith(b"sec-websocket-"):
        return "belongs to the message itself, which the gateway writes; leave it out"
    if is_about_the_way(fold) or fold == REQUEST_ID or fold.startswith(b"x-gateway-"):
        return "is the gateway's own word about the request; leave it out"
    return None
