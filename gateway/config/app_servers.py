"""Checks how the keys of one app fit together: its servers, the TLS to them, its prefixes and its rules.

(The check of a single key is in ``model`` and ``values``.) Must never change a value, read a file or use the network.
"""

from collections.abc import Iterator

from gateway.config.model import AppTable
from gateway.config.places import Problem
from gateway.policy.http.paths import expression, pattern_problem
from gateway.policy.http.proxy_fields import METHOD_OVERRIDES, folded, is_about_the_user, is_about_the_way
from gateway.policy.routing.prefixes import prefix_problem

_OF_SERVERS = frozenset(
    (
        *("upstream_host", "upstream_ca_file", "upstream_client_certificate", "upstream_client_key", "upstream_server_name"),
        *("strip_prefix", "add_prefix", "balance", "health_path", "health_interval", "allow_fields", "set_fields"),
        *("connect_timeout", "first_byte_timeout", "idle_timeout", "connections", "keep_alive", "sign_out_path", "buffer_uploads"),
    )
)
"""Keys about servers. They have no use for an app that a front proxy carries."""


def server_conflicts(app: AppTable) -> Iterator[Problem]:
    """Every problem between the keys about one app's servers."""
    if not app.addresses:
        yield from _of_no_server(app)
        return
    yield from _servers(app)
    yield from _tls(app)
    yield from _prefixes(app)


def _of_no_server(app: AppTable) -> Iterator[Problem]:
    for key in sorted(_OF_SERVERS & app.model_fields_set):
        yield (
            (key,),
            "is about the way to the app, but a front proxy carries this one; add upstream, or leave this key out",
        )


def _servers(app: AppTable) -> Iterator[Problem]:
    if app.upstream is not None and app.servers:
        yield ("upstream",), "is given beside [[app.server]] tables; keep one of the two"
    seen: set[str] = set()
    for position, server in enumerate(app.servers):
        if server.url in seen:
            yield ("server", position, "url"), f"{server.url} is a server of this app already; give that one more weight"
        seen.add(server.url)


def _tls(app: AppTable) -> Iterator[Problem]:
    pair = {"upstream_client_certificate": app.upstream_client_certificate, "upstream_client_key": app.upstream_client_key}
    for given, missing in (tuple(pair), tuple(pair)[::-1]):
        if pair[given] and not pair[missing]:
            yield (missing,), f"is missing; {given} is of use only together with it"
    if ":" in app.upstream_server_name:
        yield ("upstream_server_name",), "is a name without a port; leave out the colon and what follows"
    if not any(address.startswith("https://") for address in app.addresses):
        for key, value in {"upstream_ca_file": app.upstream_ca_file, "upstream_server_name": app.upstream_server_name, **pair}.items():
            if value:
                yield (key,), "is for servers with https, and this app has none; write https:// there, or leave this key out"


def _prefixes(app: AppTable) -> Iterator[Problem]:
    for key, prefix in (("strip_prefix", app.strip_prefix), ("add_prefix", app.add_prefix)):
        problem = prefix_problem(prefix)
        if problem is not None:
            yield (key,), f'"{prefix}" {problem}; write whole segments of a path, such as "/hr"'
    # A rule that is written as the app sees its paths would never match, so app.access alone would decide, without a word.
    for position, rule in enumerate(app.rules if prefix_problem(app.strip_prefix) is None else ()):
        if pattern_problem(rule.path) is None and not _reaches_into(rule.path, app):
            text = f'"{rule.path}" is outside of strip_prefix; rules are about paths as browsers ask for them'
            yield ("rule", position, "path"), f'{text}, such as "{app.strip_prefix}{rule.path}"'


def field_cautions(app: AppTable) -> Iterator[Problem]:
    """Names in ``allow_fields`` that have no effect.

    A field that names another method has one, because that method is judged too. Other fields that name the way of a request never reach
    an app.
    """
    for position, name in enumerate(app.allow_fields):
        fold = folded(name.encode("ascii"))
        if is_about_the_way(fold) and not is_about_the_user(fold) and fold not in METHOD_OVERRIDES:
            yield ("allow_fields", position), f'"{name}" is for proxies alone, and never goes from a client to an app; leave it out'


def _reaches_into(pattern: str, app: AppTable) -> bool:
    """Whether a pattern can match a path under the prefix that is removed. Compared segment by segment, up to the first ``**``."""
    prefix = app.strip_prefix.split("/")
    beginning = pattern.split("/")[: len(prefix)]
    depth = beginning.index("**") if "**" in beginning else len(prefix)
    return expression("/".join(beginning[:depth]), app.case_insensitive).fullmatch("/".join(prefix[:depth])) is not None
