"""Checks how the keys about an app's own sessions fit together: the names of its session cookies, and its sign-out path.

Must never change a value, read a file or use the network.
"""

from collections.abc import Iterator

from gateway.config.model import AppTable
from gateway.config.places import Problem
from gateway.policy.http.cookies import is_gateway_name
from gateway.policy.http.paths import is_own
from gateway.policy.http.session_cookie_names import LEFT_ALONE_MARK, SHORTEST_LITERAL
from gateway.policy.routing.prefixes import Prefixes, prefix_problem


def session_conflicts(app: AppTable) -> Iterator[Problem]:
    """Every problem between the keys about one app's own sessions."""
    for number, entry in enumerate(app.session_cookies):
        problem = _entry_problem(entry.removeprefix(LEFT_ALONE_MARK))
        if problem is not None:
            yield ("session_cookies", number), f'"{entry}" {problem}'
    yield from _sign_out_path(app)


def _entry_problem(entry: str) -> str | None:
    if is_gateway_name(entry.encode("ascii")):
        return "is a cookie of the gateway, which no app sees; leave it out"
    if "*" in entry and len(entry) - 1 < SHORTEST_LITERAL:
        return f'would take in other cookies too; name {SHORTEST_LITERAL} characters beside the *, as in "ASPSESSIONID*"'
    return None if entry else "names no cookie; leave it out"


def _sign_out_path(app: AppTable) -> Iterator[Problem]:
    at, path = ("sign_out_path",), app.sign_out_path
    if not path:
        return
    if not app.session_cookies:
        yield at, "is called with the app's session cookies, but session_cookies is empty; name them, or leave this key out"
    if is_own(path.partition("?")[0]):
        yield at, f'"{path}" is a path of the gateway; name the one where the app itself signs out, such as "/logout"'
    elif prefix_problem(app.strip_prefix) is None and Prefixes(app.strip_prefix, "").inner(path) is None:
        yield at, f'"{path}" is outside of strip_prefix; write it as browsers ask for it, such as "{app.strip_prefix}/logout"'
