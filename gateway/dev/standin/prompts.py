"""Authorization requests that ask the user to sign in again (`prompt=login`, `max_age`), or with a second factor (`acr_values`).

Owns: the `okta_key` under which such a request waits while the user signs in, and the `login_hint` for that page.
Must never: answer the client (oauth.py does).
Rules: OpenID Connect Core §3.1.2.1 (`prompt=login`: the server must ask again, even with a living session; `max_age`: the same, if the
user signed in longer ago; Okta's `login_hint` only fills in the name on the page); Okta's
`fromURI=/oauth2/v1/authorize/redirect?okta_key=…` on its sign-in page.
"""

from urllib.parse import parse_qs, urlencode, urlsplit

from gateway.dev.standin.call import Call
from gateway.dev.standin.grants import Prompt
from gateway.dev.standin.oauth_requests import max_age
from gateway.dev.standin.org import Org
from gateway.dev.standin.parameters import Pairs, first
from gateway.dev.standin.sessions import OrgSession

_KEY = "okta_key"
_TWO_FACTORS = frozenset(("urn:okta:loa:2fa:any", "phr", "phrh", "http://schemas.openid.net/pape/policies/2007/06/multi-factor"))
"""Okta's step-up guide: the values of `acr_values` that need two factors."""


def asks_to_sign_in(parameters: Pairs, session: OrgSession | None, now: float) -> bool:
    """Return whether the request has `prompt=login` (without `none`), or a `max_age` that is shorter than the age of this sign-in."""
    if "login" in _prompts(parameters) and not is_silent(parameters):
        return True
    longest = max_age(parameters)
    return session is not None and longest is not None and now - signed_in_at(session) > longest


def lacks_factor(parameters: Pairs, session: OrgSession | None) -> bool:
    """Return whether the request's `acr_values` ask for a second factor, and this session has none."""
    wanted = (first(parameters, "acr_values") or "").split()
    return session is not None and bool(wanted) and _TWO_FACTORS.issuperset(wanted) and session.factor_at is None


def is_silent(parameters: Pairs) -> bool:
    """Return whether the request has `prompt=none`: the client wants an answer without any page."""
    return "none" in _prompts(parameters)


def _prompts(parameters: Pairs) -> list[str]:
    return (first(parameters, "prompt") or "").split()


def waiting_place(call: Call, parameters: Pairs) -> str:
    """Store the request of this authorize call, without its token, and return the address where it continues after the sign-in."""
    kept = tuple((name, value) for name, value in parameters if name != "sessionToken")
    key = call.org.prompts.issue(Prompt(kept, call.org.clock.now()))
    return f"{call.path}/redirect?{urlencode({_KEY: key})}"


def waiting_place_here(call: Call) -> str:
    """Store this request of an app link, and return where it continues after the sign-in: its own address with an `okta_key`."""
    key = call.org.prompts.issue(Prompt((), call.org.clock.now()))
    kept = [(name, value) for name, value in call.parameters if name not in ("sessionToken", "onetimetoken", _KEY)]
    return f"{call.path}?{urlencode([*kept, (_KEY, key)])}"


def is_answered_here(call: Call, session: OrgSession) -> bool:
    """Return whether the user of this session signed in after the request that waits under this call's `okta_key`."""
    prompt = call.org.prompts.meaning(call.first(_KEY) or "")
    return prompt is not None and is_answered(prompt, session)


def is_answered(prompt: Prompt, session: OrgSession | None) -> bool:
    """Return whether the user of this session signed in after the request was made."""
    if session is None or session.status != "ACTIVE":
        return False
    return signed_in_at(session) >= prompt.asked_at


def signed_in_at(session: OrgSession) -> float:
    """Return when the session's user last gave a password, in seconds since 1970."""
    return max(session.created_at, session.password_at or 0.0)


def hinted_login(org: Org, target: str) -> str:
    """Return the `login_hint` of the authorization request that this target of the sign-in page leads to; empty without one."""
    query = parse_qs(urlsplit(target).query)
    prompt = org.prompts.meaning(query.get(_KEY, [""])[0])
    return (first(prompt.parameters, "login_hint") or "") if prompt is not None else query.get("login_hint", [""])[0]


def still_asks(org: Org, target: str, session: OrgSession) -> bool:
    """Return whether this target of the sign-in page is a waiting request that needs a newer sign-in than this session."""
    prompt = org.prompts.meaning(parse_qs(urlsplit(target).query).get(_KEY, [""])[0])
    return prompt is not None and not is_answered(prompt, session)
