"""One request, in the form in which the org's endpoints get it.

Owns: turning an aiohttp request into plain values, once.
Must never: decide anything.
Rules: parameters.py and cookies.py say how names are read.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from multidict import CIMultiDict, MultiMapping
from yarl import URL

from gateway.dev.standin.cookies import cookie_pairs
from gateway.dev.standin.org import Org
from gateway.dev.standin.parameters import Pairs, first, parameter_pairs, servlet_path

_FORM = "application/x-www-form-urlencoded"


@dataclass(slots=True)
class Call:
    """One request. `path` is decoded and resolved; `origin` is the org's origin as the browser knows it."""

    org: Org
    method: str
    path: str
    host: str
    origin: str
    fields: Mapping[str, str]
    query: Pairs
    raw_query: str
    form: Pairs
    body: bytes
    cookies: Pairs
    path_names: Mapping[str, str] = field(default_factory=dict)

    @property
    def parameters(self) -> Pairs:
        """The parameters of the query, then of the form. If a name is repeated, the first value counts."""
        return self.query + self.form

    def first(self, *names: str) -> str | None:
        """Return the first value that is present under any of these names, in their order."""
        return next((value for name in names if (value := first(self.parameters, name))), None)

    def payload(self) -> dict[str, Any] | None:
        """Return the JSON object of the body; None when the body is something else."""
        try:
            parsed = json.loads(self.body)
        except ValueError:
            return None
        return parsed if isinstance(parsed, dict) else None


async def read_call(org: Org, request: web.Request) -> Call:
    """Read a request to its end."""
    return call_of(org, request.method, request.rel_url, request.headers, await request.read(), request.scheme)


def call_of(org: Org, method: str, target: URL, fields: MultiMapping[str], body: bytes, scheme: str = "https") -> Call:
    """Return the call with these parts. Names in `fields` are found in any case; `scheme` is the scheme of the request."""
    host = fields.get("Host", "")
    scheme = "https" if host.lower() in org.https_hosts else fields.get("X-Forwarded-Proto", scheme)
    is_form = fields.get("Content-Type", "").partition(";")[0].strip().lower() == _FORM and method == "POST"
    return Call(
        org=org,
        method=method,
        path=servlet_path(target.raw_path),
        host=host,
        origin=f"{scheme if scheme in ('http', 'https') else 'https'}://{host}",
        fields=CIMultiDict(fields),
        query=parameter_pairs(target.raw_query_string),
        raw_query=target.raw_query_string,
        form=parameter_pairs(body.decode("utf-8", "replace")) if is_form else (),
        body=body,
        cookies=tuple(cookie_pairs(fields.getall("Cookie", []))),
    )
