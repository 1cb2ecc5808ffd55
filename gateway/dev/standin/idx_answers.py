"""Identity Engine's answers at each step of a sign-in.

Owns: the answers for a step, a refusal and a success.
Must never: change the sign-in.
Rules: okta-auth-js `lib/idx`; ion.py makes the JSON.
"""

from aiohttp import web

from gateway.dev.standin import ion
from gateway.dev.standin.call import Call
from gateway.dev.standin.parameters import first
from gateway.dev.standin.transactions import Interaction
from gateway.dev.standin.users import User

_AUTHENTICATION_FAILED = "Authentication failed"


def answer_of(call: Call, token: str, interaction: Interaction, more: ion.Part | None = None, status: int = 200) -> web.Response:
    """Answer with the forms of the current step of a sign-in, and a message if there is one."""
    handle = ion.handle_of(token)
    found = ion.head(call, handle, call.org.clock.now() + call.org.interactions.lifetime_seconds)
    if interaction.parameters:
        client = call.org.clients.find(first(interaction.parameters, "client_id"))
        name = client.name if client is not None else ""
        found["app"] = {"type": "object", "value": {"name": "oidc_client", "label": name, "id": first(interaction.parameters, "client_id")}}
    return ion.ion(found | (more or {}) | _step(call, handle, interaction), status)


def _step(call: Call, handle: str, interaction: Interaction) -> ion.Part:
    user = interaction.user
    if user is None:
        return ion.remediation(ion.form(call, "identify", "identify", handle, ion.IDENTIFIER, ion.PASSCODE))
    factors = call.org.accounts.of(user).factors
    known: ion.Part = {
        "user": {"type": "object", "value": {"identifier": user.login}},
        "authenticatorEnrollments": {"type": "array", "value": [ion.authenticator(factor) for factor in factors]},
    }
    current = next((factor for factor in factors if factor.id == interaction.factor_id), None)
    if interaction.step == "select" or current is None:
        select = ion.form(call, "select-authenticator-authenticate", "challenge", handle, ion.choice(factors))
        return known | ion.remediation(select)
    known["currentAuthenticator"] = {"type": "object", "value": ion.authenticator(current)}
    if interaction.step == "push":
        return known | ion.remediation(ion.poll_form(call, handle))
    answer = ion.form(call, "challenge-authenticator", "challenge/answer", handle, ion.CODE)
    return known | ion.remediation({**answer, "relatesTo": ["$.currentAuthenticator"]})


def rejected(
    call: Call, token: str, interaction: Interaction, text: str = _AUTHENTICATION_FAILED, key: str = "errors.E0000004"
) -> web.Response:
    """Answer 401 with the same step again and a message."""
    return answer_of(call, token, interaction, ion.problem(text, key), 401)


def expired(call: Call) -> web.Response:
    """Answer 401 to a handle of no living sign-in."""
    said = ion.problem("You have been logged out due to inactivity. Refresh or return to the sign in screen.", "idx.session.expired")
    return ion.ion({"version": "1.0.0"} | said, 401)


def succeeded(call: Call, token: str, user: User, expires_at: float) -> web.Response:
    """Answer with the address that completes a sign-in at the org's own page."""
    href = f"{call.origin}/login/token/redirect?stateToken={token}"
    accepts = "application/x-www-form-urlencoded"
    done = {"name": "success-redirect", "href": href, "method": "GET", "accepts": accepts}
    return ion.ion(_done(call, token, user, expires_at) | {"success": done})


def succeeded_for_client(call: Call, token: str, interaction: Interaction, user: User, code: str) -> web.Response:
    """Answer with the form by which the client exchanges its interaction code."""
    client_id = first(interaction.parameters, "client_id") or ""
    fields: list[ion.Part] = [
        {"name": "grant_type", "required": True, "value": "interaction_code"},
        {"name": "interaction_code", "required": True, "value": code},
        {"name": "client_id", "required": True, "value": client_id},
        {"name": "client_secret", "required": True},
        {"name": "code_verifier", "required": True},
    ]
    base = f"{interaction.issuer}/v1" if "/oauth2/" in interaction.issuer else f"{interaction.issuer}/oauth2/v1"
    issue = {
        "rel": ["create-form"],
        "name": "issue",
        "method": "POST",
        "href": f"{base}/token",
        "value": fields,
        "accepts": "application/x-www-form-urlencoded",
    }
    expires_at = call.org.interaction_codes.expires_at(code)
    return ion.ion(_done(call, token, user, expires_at) | {"successWithInteractionCode": issue})


def _done(call: Call, token: str, user: User, expires_at: float) -> ion.Part:
    found = ion.head(call, ion.handle_of(token), expires_at)
    return found | {"user": {"type": "object", "value": {"id": user.id, "identifier": user.login}}}
