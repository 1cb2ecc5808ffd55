"""The ION format of Identity Engine's sign-in: forms in JSON that a script fills in.

Owns: its JSON.
Must never: decide which step comes next (idx.py does).
Rules: okta-auth-js `lib/idx` (`version` 1.0.0, `remediation`, `relatesTo`, `messages`), responses in the tests of the Sign-In Widget.
"""

import json
import secrets
from collections.abc import Mapping, Sequence

from aiohttp import web

from gateway.dev.standin.accounts import Factor
from gateway.dev.standin.call import Call
from gateway.dev.standin.clock import whole_seconds

ION = "application/ion+json; okta-version=1.0.0"
_ACCEPTS = "application/json; okta-version=1.0.0"
_POLL_MILLISECONDS = 4000
Part = dict[str, object]

IDENTIFIER: Part = {"name": "identifier", "label": "Username", "required": True}
PASSCODE: Part = {
    "name": "credentials",
    "type": "object",
    "form": {"value": [{"name": "passcode", "label": "Password", "secret": True}]},
    "required": True,
}
CODE: Part = {"name": "credentials", "type": "object", "form": {"value": [{"name": "passcode", "label": "Enter code"}]}, "required": True}


def ion(value: Mapping[str, object], status: int = 200) -> web.Response:
    """Return an answer of this media type."""
    return web.Response(body=json.dumps(value).encode(), status=status, headers={"Content-Type": ION})


def handle_of(token: str) -> str:
    """Return a `stateHandle` for the `stateToken` that it begins with."""
    return f"{token}~{secrets.token_urlsafe(8)}"


def token_of(handle: object) -> str:
    """Return the `stateToken` that a `stateHandle` begins with; empty if it is no handle."""
    return handle.partition("~")[0] if isinstance(handle, str) else ""


def head(call: Call, handle: str, expires_at: float) -> Part:
    """Return the first members of every answer of a running sign-in."""
    return {
        "version": "1.0.0",
        "stateHandle": handle,
        "expiresAt": whole_seconds(expires_at),
        "intent": "LOGIN",
        "cancel": form(call, "cancel", "cancel", handle),
    }


def form(call: Call, name: str, path: str, handle: str, *fields: Part) -> Part:
    """Return one form: its fields, including the handle, and its address."""
    own = {"name": "stateHandle", "required": True, "value": handle, "visible": False, "mutable": False}
    return {
        "rel": ["create-form"],
        "name": name,
        "href": f"{call.origin}/idp/idx/{path}",
        "method": "POST",
        "produces": ION,
        "value": [*fields, own],
        "accepts": _ACCEPTS,
    }


def remediation(*forms: Part) -> Part:
    """Return the forms that lead to the next steps."""
    return {"remediation": {"type": "array", "value": list(forms)}}


def problem(text: str, key: str) -> Part:
    """Return a message of class ERROR."""
    return {"messages": {"type": "array", "value": [{"message": text, "i18n": {"key": key}, "class": "ERROR"}]}}


def authenticator(factor: Factor) -> Part:
    """Return a factor in Identity Engine's form."""
    is_push = factor.kind == "push"
    return {
        "type": "app",
        "key": "okta_verify" if is_push else "google_otp",
        "id": factor.id.replace("opf", "aut", 1),
        "displayName": "Okta Verify" if is_push else "Google Authenticator",
        "methods": [{"type": "push" if is_push else "otp"}],
    }


def choice(factors: Sequence[Factor]) -> Part:
    """Return the field by which a script chooses one of these factors."""
    options = []
    for place, factor in enumerate(factors):
        known = authenticator(factor)
        method = "push" if factor.kind == "push" else "otp"
        fields = [
            {"name": "id", "required": True, "value": known["id"], "mutable": False},
            {"name": "methodType", "required": False, "value": method, "mutable": False},
        ]
        options.append(
            {
                "label": known["displayName"],
                "value": {"form": {"value": fields}},
                "relatesTo": f"$.authenticatorEnrollments.value[{place}]",
            }
        )
    return {"name": "authenticator", "type": "object", "options": options}


def poll_form(call: Call, handle: str) -> Part:
    """Return the form by which a script asks for the result of a push."""
    challenge = form(call, "challenge-poll", "authenticators/poll", handle)
    return {**challenge, "relatesTo": ["$.currentAuthenticator"], "refresh": _POLL_MILLISECONDS}
