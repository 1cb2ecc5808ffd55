"""Sign-in by an external identity provider: its answer opens a session at the org without a token of the org.

Owns: `POST /sso/saml2/{idp}` (inbound SAML) and `/oauth2/v1/authorize/callback` (an external OpenID provider).
Must never: close the session that the browser had. It lives on at the org; only its cookies are replaced.
Rules: SAML 2.0 Bindings §3.5 (HTTP POST: `SAMLResponse` in base64, `RelayState`); elastic/kibana#26714 (a second sign-in by SAML
while another user's session lives). Signatures are not checked: any assertion that names bob signs bob in, and a
`code` is simply the login of the user.
"""

import base64
import binascii
import html
import re

from aiohttp import web

from gateway.dev.standin import step_up
from gateway.dev.standin.answers import redirect, with_cookies
from gateway.dev.standin.call import Call
from gateway.dev.standin.pages import error_page
from gateway.dev.standin.presence import begin
from gateway.dev.standin.redirects import HOME, trusted_target

# Neither class contains `<`, so the search stays linear, even in a text of many unfinished tags.
_NAME_ID = re.compile(r"<(?:[\w-]{1,32}:)?NameID(?:\s[^<>]{0,2000})?>([^<>]{1,2000})</")


def saml_response(call: Call) -> web.Response:
    """Open a session for the user whom `SAMLResponse` names and go on to `RelayState`, or home; 400 when it cannot be read.

    `RelayState` is a path or an address of this org, or of a Trusted Origin; anything else leads home.
    """
    login = asserted_login(call.first("SAMLResponse") or "")
    if login is None:
        return error_page("The SAML response cannot be read.")
    return _signed_in(call, login, call.first("RelayState"))


def oidc_callback(call: Call) -> web.Response:
    """Open a session for the user whom `code` names and go on to `state` when that is a path of this org, else home."""
    code, state = call.first("code"), call.first("state")
    if call.first("error") or code is None or state is None:
        return error_page("The identity provider did not sign in anybody.")
    return _signed_in(call, code, state)


def _signed_in(call: Call, login: str, next_place: str | None) -> web.Response:
    user = call.org.user(login)
    if user is None or user.login.lower() != login.lower():
        return error_page("The identity provider named a user whom this org does not know.", 403)
    arrival = begin(call.org, call.cookies, user, idp_id=call.path_names.get("idp", "0oaStandInOidcIdp000"))
    target = trusted_target(call, next_place)
    if arrival.session is not None:
        step_up.vouch(call.org, target, arrival.session)
    return with_cookies(redirect(target or HOME), arrival.set_cookies)


def asserted_login(encoded: str) -> str | None:
    """Return the NameID of a SAML response in base64, with or without a namespace prefix; None when there is none."""
    try:
        text = base64.b64decode("".join(encoded.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    found = _NAME_ID.search(text)
    return html.unescape(found[1]).strip() or None if found is not None else None
