"""SAML single logout: a service provider signs its user out of the org at `/app/{name}/{id}/slo/saml`.

Owns: which request ends a session, and the page that posts the answer to the app.
Must never: end a session for a request that the app's key did not sign, or that names another user.
Rules: Okta's help "Configure Single Logout in app integrations" (only SP-initiated, signed, the answer is posted to the Single Logout
URL); traces in python3-saml #290 and Clever/saml2 #138: a failed request is answered with the status AuthnFailed. Okta's support:
without a session the request fails too. What Okta does if another user is signed in is not documented; here nobody is signed out.

Okta accepts only signed requests. Those by POST have the signature inside the XML; no test needs them, so here they count as unsigned. The
XML of both messages: SAML 2.0 Core §3.7, Bindings §3.4.4.1 (the signature is over the query as it was sent).
"""

import base64
import binascii
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509 import load_pem_x509_certificate

from gateway.dev.standin import front_channel
from gateway.dev.standin.answers import with_cookies
from gateway.dev.standin.call import Call
from gateway.dev.standin.pages import error_page, posted_form_page
from gateway.dev.standin.parameters import first, parameter_pairs
from gateway.dev.standin.presence import ended_cookies, presence
from gateway.dev.standin.saml import entity_id, message
from gateway.dev.standin.sso_apps import SsoApp
from gateway.dev.standin.xml_signature import XmlSigner

SUCCESS, FAILED = (f"urn:oasis:names:tc:SAML:2.0:status:{name}" for name in ("Success", "AuthnFailed"))
_RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
_SIGNED = ("SAMLRequest", "RelayState", "SigAlg")
# No class contains `<` or `>`, so the search stays linear.
_NAME = re.compile(r"<(?:[\w.-]{1,32}:)?NameID(?:\s[^<>]{0,2000})?>([^<>]{1,2000})</")


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """The request of a service provider to end this user's session."""

    id: str
    issuer: str
    name: str


def logout_request(encoded: str) -> LogoutRequest | None:
    """Return the request in `SAMLRequest`; None if it cannot be read or names no user."""
    found = message(encoded, "LogoutRequest")
    name = _NAME.search(found.text) if found is not None else None
    if found is None or name is None:
        return None
    return LogoutRequest(found.attributes.get("ID", ""), found.issuer, html.unescape(name[1]).strip())


def is_signed(app: SsoApp, raw_query: str) -> bool:
    """Return whether the app's key signed the request in this query. The query must be as it was sent."""
    sent = dict(pair.partition("=")[::2] for pair in reversed(raw_query.split("&")))
    signed = "&".join(f"{name}={sent[name]}" for name in _SIGNED if name in sent)
    pairs = parameter_pairs(raw_query)
    if first(pairs, "SigAlg") != _RSA_SHA256:
        return False
    try:
        key = load_pem_x509_certificate(app.logout_certificate.encode()).public_key()
        signature = base64.b64decode(first(pairs, "Signature") or "", validate=True)
    except (binascii.Error, ValueError):
        return False
    if not isinstance(key, rsa.RSAPublicKey):
        return False
    try:
        key.verify(signature, signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def logout_response(app: SsoApp, signer: XmlSigner, now: float, request: LogoutRequest, status: str) -> str:
    """Return the signed response to a request."""
    return signer.signed("saml_logout_response.xml", app=app, issuer=entity_id(app), now=now, request=request, status=status)


def log_out(call: Call) -> web.Response:
    """End the sessions of the user in a signed request, and post the answer to the app; otherwise 403 and a failed answer."""
    app = call.org.apps.find(call.path_names["id"])
    if app is None or app.kind != "saml" or not app.logout_address or not app.logout_certificate:
        return error_page("Single logout is not enabled for this app.", 403)
    request = logout_request(call.first("SAMLRequest") or "")
    if request is None:
        return error_page("The SAML logout request is malformed.")
    here = presence(call.org, call.cookies).sessions
    is_own = bool(here) and all(session.user.login == request.name for session in here)
    if not is_own or request.issuer != app.audience or not is_signed(app, call.raw_query):
        return _answer(call, app, request, FAILED)
    notified = front_channel.notified_at(call.org, here)
    for session in here:
        call.org.sessions.end(session)
    page = _answer(call, app, request, SUCCESS, notified)
    return with_cookies(front_channel.allowed(call, page, notified) if notified else page, ended_cookies(call.org))


def _answer(call: Call, app: SsoApp, request: LogoutRequest, status: str, notified: Sequence[str] = ()) -> web.Response:
    response = logout_response(app, call.org.xml_signer, call.org.clock.now(), request, status)
    values = {"SAMLResponse": base64.b64encode(response.encode()).decode()}
    relay_state = call.first("RelayState")
    page = posted_form_page(values | ({"RelayState": relay_state} if relay_state else {}), app.logout_address, notified)
    if status != SUCCESS:
        page.set_status(403)
    return page
