"""Checks ``set_fields``: constant fields that an operator sends to an app with every request.

Owns the names that are refused, each with its reason. Must never change a value. Only the gateway may set a field that names the user,
says how the request came, or says where the message ends: a constant value would be wrong for most requests.
"""

from collections.abc import Iterator
from typing import Final

from gateway.config.app_servers import Problem
from gateway.config.model import AppTable
from gateway.policy.http.hop_by_hop import HOP_BY_HOP
from gateway.policy.http.proxy_fields import REQUEST_ID, folded, is_about_the_user, is_about_the_way

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
