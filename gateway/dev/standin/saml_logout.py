"""Single logout of SAML 2.0: the requests of service providers, and the org's signed responses.

Owns: the XML of both, and the check of a request's signature.
Must never: end a session.
Rules: SAML 2.0 Core §3.7, Bindings §3.4.4.1 (the signature is over the query as it was sent); Okta accepts only signed requests, and posts
its signed response to the app's logout address. Okta also accepts requests by POST, with the signature inside the XML. No test needs them,
so here they count as unsigned.
"""

import base64
import binascii
import html
import re
import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509 import load_pem_x509_certificate

from gateway.dev.standin.clock import date_time
from gateway.dev.standin.parameters import first, parameter_pairs
from gateway.dev.standin.saml import entity_id, message
from gateway.dev.standin.sso_apps import SsoApp
from gateway.dev.standin.xml_signature import XmlSigner, escaped, quoted

SUCCESS, FAILED = (f"urn:oasis:names:tc:SAML:2.0:status:{name}" for name in ("Success", "AuthnFailed"))
_ASSERTION = "urn:oasis:names:tc:SAML:2.0:assertion"
_PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
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
    response_id = f"id{secrets.token_hex(16)}"
    head = (
        f'<saml2p:LogoutResponse xmlns:saml2p="{_PROTOCOL}" Destination="{quoted(app.logout_address)}" ID="{response_id}"'
        f' InResponseTo="{quoted(request.id)}" IssueInstant="{date_time(now)}" Version="2.0">'
        f'<saml2:Issuer xmlns:saml2="{_ASSERTION}" Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity">'
        f"{escaped(entity_id(app))}</saml2:Issuer>"
    )
    tail = f'<saml2p:Status><saml2p:StatusCode Value="{status}"></saml2p:StatusCode></saml2p:Status></saml2p:LogoutResponse>'
    return f"{head}{signer.signature(response_id, head + tail)}{tail}"
