"""Checks an app's rules: whether each one ever decides anything, and whether it says what was probably meant.

Owns the problems and the warnings of ``[[app.rule]]``. Requests are decided in ``policy.routing.routing`` and
``policy.session.admission``.
"""

import difflib
from collections.abc import Iterator

from gateway.config.model import AppTable, RuleTable
from gateway.config.places import Path, Problem
from gateway.policy.http.paths import is_own, pattern_problem
from gateway.policy.routing.pattern_cover import covers

_OF_HTTP = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_MAIN_METHODS = _OF_HTTP[:-1]
_OF_WEBDAV = ("PROPFIND", "PROPPATCH", "REPORT", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK")
_USUAL_METHODS = frozenset(_OF_HTTP + _OF_WEBDAV)
_NEVER = ("TRACE", "TRACK", "CONNECT")
_FACTORS = (
    *("pwd", "mfa", "otp", "sms", "call", "tel", "email", "kba", "hwk", "swk", "pin", "fpt", "face", "vbm", "geo", "sc", "mca", "user"),
    *("duo", "pop", "iris", "retina", "rba", "wia", "oath", "okta_verify", "phr", "phrh", "bio"),
)
"""RFC 8176, and the names that Okta adds."""
SHORTEST_WITHIN_SECONDS = 30.0


def rule_conflicts(app: AppTable) -> Iterator[Problem]:
    """Every problem that makes a rule unusable, or that makes it never decide anything."""
    for position, rule in enumerate(app.rules):
        place: Path = ("rule", position)
        problem = pattern_problem(rule.path)
        if problem is not None:
            yield (*place, "path"), f'"{rule.path}" {problem}; write a path as the app sees it, such as "/admin/**"'
            continue
        if is_own(rule.path):
            yield (*place, "path"), f'"{rule.path}" is a path of the gateway, about which no rule says anything; leave the rule out'
        yield from ((place + path, text) for path, text in (*_of_one(rule), *_of_users(rule), *_of_methods(rule)))
        earlier = next((each for each in app.rules[:position] if _decides_before(each, rule, app.case_insensitive)), None)
        if earlier is not None:
            yield (*place, "path"), _shadowed(rule, earlier)


def rule_cautions(app: AppTable) -> Iterator[Problem]:
    """Warnings: rules that are valid but often a mistake."""
    for position, rule in enumerate(app.rules):
        for user in rule.users or ():
            if "@" not in user:
                yield ("rule", position, "users"), f'"{user}" has no @, and Okta\'s logins mostly look like "{user}@example.com"; check it'
        for factor in rule.amr or ():
            if factor not in _FACTORS:
                near = difflib.get_close_matches(factor.lower(), _FACTORS, n=1)
                meant = f'did you mean "{near[0]}"?' if near else f"known are {', '.join(_FACTORS[:10])} …"
                yield ("rule", position, "amr"), f'"{factor}" is no factor that Okta is known to name; {meant}'
        if rule.authenticated_within is not None and 0 < rule.authenticated_within < SHORTEST_WITHIN_SECONDS:
            yield ("rule", position, "authenticated_within"), 'makes people sign in again and again; give it minutes, as in "15m"'
        if _means_a_tree(rule, app):
            text = f'"{rule.path}" is this one page; what lies below it falls under other rules, or under access = "{app.access}"'
            yield ("rule", position, "path"), f'{text}; write "{rule.path.rstrip("/")}/**" for all of it'
        open_methods = _left_open(rule, app)
        if open_methods and _is_strict(rule, app) and "GET" in (rule.methods or ()):
            text = f'keeps people from "{rule.path}" by these methods alone; {", ".join(open_methods)} fall under access = "{app.access}"'
            yield ("rule", position, "methods"), f"{text}; leave methods out, or write a rule for the others too"
        elif open_methods and _is_as_without(rule, app) and not _may_be_met_behind(position, app):
            text = f'changes nothing: access = "{app.access}" holds for all methods of "{rule.path}" alike'
            yield ("rule", position, "methods"), f'{text}; to refuse the others, add a rule for this path with access = "nobody"'


def _of_one(rule: RuleTable) -> Iterator[Problem]:
    if rule.access != "session" and (rule.users or rule.amr or rule.authenticated_within is not None):
        text = f'asks who the user is, but access = "{rule.access}" asks for no session; use access = "session"'
        yield ("access",), text
    if rule.authenticated_within == 0:
        yield ("authenticated_within",), 'is no time at all, so nobody would ever come in; give it minutes, as in "15m"'


def _of_users(rule: RuleTable) -> Iterator[Problem]:
    for user in rule.users or ():
        if user != user.strip() or "," in user:
            yield ("users",), f'"{user}" is no single login; write each in quotes of its own, without blanks'
        elif user.count("@") > 1 or user in ("@", "*"):
            yield ("users",), f'"{user}" is neither a login nor a domain; write "alice@example.com" or "@example.com"'
        elif "*" in user:
            yield ("users",), f'"{user}" is taken letter by letter, and a star is none; write "@example.com" for everybody of a domain'


def _of_methods(rule: RuleTable) -> Iterator[Problem]:
    for method in rule.methods or ():
        if method.upper() in _NEVER:
            yield ("methods",), f'"{method}" never reaches an app; leave it out'
        elif method not in _USUAL_METHODS and method.upper() in _USUAL_METHODS:
            yield ("methods",), f'"{method}" is another method than "{method.upper()}"; methods are written in capitals'


def _decides_before(earlier: RuleTable, rule: RuleTable, case_insensitive: bool) -> bool:
    """Whether ``earlier`` decides every request that ``rule`` could match."""
    has_all_methods = earlier.methods is None or (rule.methods is not None and set(rule.methods) <= set(earlier.methods))
    return has_all_methods and pattern_problem(earlier.path) is None and covers(earlier.path, rule.path, case_insensitive)


def _shadowed(rule: RuleTable, earlier: RuleTable) -> str:
    if rule.path == earlier.path:
        return f'"{rule.path}" stands in a rule before this one, which decides; keep one of them'
    return (
        f'"{rule.path}" is never reached, because "{earlier.path}" stands before it and matches all of it; move this rule before that one'
    )


def _left_open(rule: RuleTable, app: AppTable) -> list[str]:
    """The HTTP methods that neither this rule nor another rule about (a part of) its path names."""
    if rule.methods is None or pattern_problem(rule.path) is not None:
        return []
    others = [each for each in app.rules if each is not rule and pattern_problem(each.path) is None and _is_about(each, rule, app)]
    named = {method for each in (rule, *others) for method in (_MAIN_METHODS if each.methods is None else each.methods)}
    return [method for method in _MAIN_METHODS if method not in named]


def _is_about(other: RuleTable, rule: RuleTable, app: AppTable) -> bool:
    return any(covers(wide, narrow, app.case_insensitive) for wide, narrow in ((other.path, rule.path), (rule.path, other.path)))


def _asks_who(rule: RuleTable) -> bool:
    return bool(rule.users or rule.amr or rule.authenticated_within is not None)


def _is_strict(rule: RuleTable, app: AppTable) -> bool:
    """Whether the rule refuses users whom the app's own ``access`` would admit."""
    return _asks_who(rule) or (rule.access == "session" != app.access)


def _is_as_without(rule: RuleTable, app: AppTable) -> bool:
    """Whether the rule says the same as the app's own ``access``."""
    return rule.access == app.access and not _asks_who(rule)


def _may_be_met_behind(position: int, app: AppTable) -> bool:
    """Whether a later rule may match the same paths. Then this rule has an effect: it takes its methods away from that one."""
    beginning = app.rules[position].path.partition("*")[0].lower()
    behind = [each.path.partition("*")[0].lower() for each in app.rules[position + 1 :]]
    return any(each.startswith(beginning) or beginning.startswith(each) for each in behind)


def _means_a_tree(rule: RuleTable, app: AppTable) -> bool:
    """Whether the rule protects one page, but nothing below it."""
    path = rule.path.rstrip("/")
    is_page = "*" not in path and "." not in path.rpartition("/")[2] and path != ""
    return _is_strict(rule, app) and is_page and not any(each.path.startswith(f"{path}/") for each in app.rules)
