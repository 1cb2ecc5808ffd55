"""The device grant: a device asks for its codes, and a signed-in user confirms one in a browser.

Owns: `…/device/authorize`, `/activate`.
Must never: confirm a device for another user than the one to whom the page was shown.
Rules: RFC 8628 §3.1 to §3.3, Okta's guide "Configure Device Authorization Grant Flow". Okta's own page goes through its sign-in script, and
what that script sends is not documented; here it is a form. Whether Okta accepts the page of a session that has ended is unknown; here the
page is shown again, to the user who is signed in then.
"""

import secrets

from aiohttp import web

from gateway.dev.standin.answers import json_answer, redirect
from gateway.dev.standin.call import Call
from gateway.dev.standin.client_auth import oauth_error, required_client
from gateway.dev.standin.devices import DEVICE_SECONDS, GRANT_TYPE, INTERVAL_SECONDS, Device
from gateway.dev.standin.grants import Grant
from gateway.dev.standin.oauth_grants import unknown_scope
from gateway.dev.standin.oauth_tokens import issuer_of
from gateway.dev.standin.pages import page
from gateway.dev.standin.presence import presence
from gateway.dev.standin.prompts import signed_in_at
from gateway.dev.standin.redirects import this_request
from gateway.dev.standin.sessions import OrgSession
from gateway.dev.standin.sign_in_form import ask_to_sign_in

ACTIVATE = "/activate"


def authorize_device(call: Call) -> web.Response:
    """Answer a device with its codes, and with the address where its user types the short one."""
    client = required_client(call)
    if GRANT_TYPE not in client.grant_types:
        return oauth_error("unauthorized_client", "The client is not authorized to use the provided grant type.")
    scope = call.first("scope") or ""
    unknown = client.unknown_scopes(scope.split())
    if not scope or unknown:
        return unknown_scope(unknown)
    device_code, user_code = call.org.devices.ask(client.id, scope, issuer_of(call))
    address = f"{call.origin}{ACTIVATE}"
    return json_answer(
        {
            "device_code": device_code,
            "user_code": user_code,
            "verification_uri": address,
            "verification_uri_complete": f"{address}?user_code={user_code}",
            "expires_in": int(DEVICE_SECONDS),
            "interval": int(INTERVAL_SECONDS),
        }
    )


def activate(call: Call) -> web.Response:
    """Show a signed-in user the form, filled with the code in the address. If nobody is signed in, show the sign-in page first."""
    session = _signed_in(call)
    return ask_to_sign_in(call) if session is None else _form(call, session)


def confirm(call: Call) -> web.Response:
    """Confirm or refuse the device whose code was typed, for the user to whom the form was shown."""
    session = _signed_in(call)
    shown_to = call.org.activation_pages.meaning(call.first("stateHandle") or "")
    if session is None or session is not shown_to:
        return redirect(this_request(call).partition("?")[0])
    device = call.org.devices.of_user_code(call.first("user_code") or "")
    if device is None:
        return _form(call, session, "Invalid code. Try again.")
    if call.first("deny") is not None or not _is_assigned(call, device, session):
        device.is_refused = True
        return page("page.html", "Device not activated", sentence="Your device cannot be activated because you did not allow access")
    device.grant = Grant(
        user=session.user,
        client_id=device.client_id,
        redirect_uri="",
        scope=device.scope,
        issuer=device.issuer,
        nonce=None,
        code_challenge=None,
        authenticated_at=signed_in_at(session),
        family=secrets.token_hex(8),
        amr=session.amr,
    )
    return page("page.html", "Device activated", sentence="Follow the instructions on your device for next steps")


def _signed_in(call: Call) -> OrgSession | None:
    session = presence(call.org, call.cookies).current
    return session if session is not None and session.status == "ACTIVE" else None


def _is_assigned(call: Call, device: Device, session: OrgSession) -> bool:
    client = call.org.clients.find(device.client_id)
    return client is not None and (client.only_for is None or session.user.login in client.only_for)


def _form(call: Call, session: OrgSession, problem: str = "") -> web.Response:
    handle, typed = call.org.activation_pages.issue(session), call.first("user_code") or ""
    return page("activate.html", "Activate your device", problem=problem, login=session.user.login, handle=handle, typed=typed)
