"""Authorization requests that ask the user to sign in again (`prompt=login`).

Owns: the `okta_key` under which such a request waits while the user signs in.
Must never: answer the client (oauth.py does).
Rules: OpenID Connect Core §3.1.2.1 (`prompt=login`: the server must ask again, even over a living session); Okta's
`fromURI=/oauth2/v1/authorize/redirect?okta_key=…` on its sign-in page.
"""

from urllib.parse import parse_qs, urlencode, urlsplit

from gateway.standin.call import Call
from gateway.standin.org import Org, Prompt
from gateway.standin.parameters import Pairs, first
from gateway.standin.sessions import OrgSession

_SUFFIX = "/authorize/redirect"


def asks_to_sign_in(asked: Pairs) -> bool:
    """Say whether the request has `prompt=login`; `none` beside it wins."""
    return "login" in _prompts(asked) and not is_silent(asked)


def is_silent(asked: Pairs) -> bool:
    """Say whether the request has `prompt=none`: the client wants an answer and no page."""
    return "none" in _prompts(asked)


def _prompts(asked: Pairs) -> list[str]:
    return (first(asked, "prompt") or "").split()


def waiting_place(call: Call, asked: Pairs) -> str:
    """Keep the request of this authorize call, less its token, and return where it goes on after the sign-in."""
    kept = tuple((name, value) for name, value in asked if name != "sessionToken")
    key = call.org.prompts.issue(Prompt(kept, call.org.clock.now()))
    return f"{call.path}/redirect?{urlencode({'okta_key': key})}"


def is_answered(prompt: Prompt, session: OrgSession | None) -> bool:
    """Say whether the user of this session signed in after the request was made."""
    if session is None or session.status != "ACTIVE":
        return False
    return max(session.created_at, session.password_at or 0.0) >= prompt.asked_at


def still_asks(org: Org, target: str, session: OrgSession) -> bool:
    """Say whether this target of the sign-in page is a waiting request that the session does not answer."""
    parts = urlsplit(target)
    if not parts.path.endswith(_SUFFIX):
        return False
    prompt = org.prompts.meaning(parse_qs(parts.query).get("okta_key", [""])[0])
    return prompt is not None and not is_answered(prompt, session)
