"""SAML 2.0 for an identity provider: makes signed responses, reads requests of service providers.

Owns: the XML of both, and of the metadata.
Must never: read a session's cookies, or send anything.
Rules: SAML 2.0 Core §2 and §3.4, Bindings §3.4 (redirect) and §3.5 (POST), Web Browser SSO profile; Okta signs the assertion and the
response. The name of the user is the login; the name of the issuer is `http://www.okta.com/{app id}`.
"""

import base64
import binascii
import html
import re
import secrets
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.dev.standin.clock import date_time
from gateway.dev.standin.sessions import OrgSession
from gateway.dev.standin.sso_apps import SsoApp
from gateway.dev.standin.xml_signature import XmlSigner, escaped, quoted

_ASSERTION = "urn:oasis:names:tc:SAML:2.0:assertion"
_PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
_EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
_MOST_BYTES = 65_536
_SKEW_SECONDS = 300.0
# No class contains `<` or `>`, so the search stays linear.
_ROOTS = {name: re.compile(rf"<(?:[\w.-]{{1,32}}:)?{name}\s([^<>]{{1,8000}})>") for name in ("AuthnRequest", "LogoutRequest")}
_ISSUER = re.compile(r"<(?:[\w.-]{1,32}:)?Issuer(?:\s[^<>]{0,2000})?>([^<>]{1,2000})</")
_ATTRIBUTE = re.compile(r"""([\w.:-]{1,64})\s{0,8}=\s{0,8}(?:"([^"]{0,4000})"|'([^']{0,4000})')""")


@dataclass(frozen=True, slots=True)
class AuthnRequest:
    """The request of a service provider. `address` is empty if the registered address is to be used."""

    id: str
    issuer: str
    address: str = ""
    is_forced: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a service provider: its text, the attributes of its root, and its issuer (not verified)."""

    text: str
    attributes: Mapping[str, str]
    issuer: str


def message(encoded: str, root: str) -> Message | None:
    """Return the message in `SAMLRequest`, deflated or not; None if it cannot be read or has another root."""
    try:
        raw = base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    text = (raw if raw.lstrip()[:1] == b"<" else _inflated(raw)).decode("utf-8", "replace")
    tag, issuer = _ROOTS[root].search(text), _ISSUER.search(text)
    if tag is None or issuer is None:
        return None
    named = {name: html.unescape(double or single) for name, double, single in _ATTRIBUTE.findall(tag[1])}
    return Message(text, named, html.unescape(issuer[1]).strip())


def _inflated(raw: bytes) -> bytes:
    try:
        return zlib.decompressobj(-15).decompress(raw, _MOST_BYTES)
    except zlib.error:
        return b""


def authn_request(encoded: str) -> AuthnRequest | None:
    """Return the request in `SAMLRequest`; None if it cannot be read."""
    found = message(encoded, "AuthnRequest")
    if found is None:
        return None
    named, forced = found.attributes, found.attributes.get("ForceAuthn", "") in ("true", "1")
    return AuthnRequest(named.get("ID", ""), found.issuer, named.get("AssertionConsumerServiceURL", ""), forced)


def entity_id(app: SsoApp) -> str:
    """Return the org's entity id for an app."""
    return f"http://www.okta.com/{app.id}"


def signed_response(app: SsoApp, session: OrgSession, signer: XmlSigner, now: float, request: AuthnRequest | None) -> str:
    """Return a signed response with a signed assertion about the session's user."""
    response_id, answers = f"id{secrets.token_hex(16)}", f' InResponseTo="{quoted(request.id)}"' if request is not None else ""
    assertion = signed_assertion(app, session, signer, now, request)
    head = (
        f'<saml2p:Response xmlns:saml2p="{_PROTOCOL}" Destination="{quoted(app.address)}" ID="{response_id}"{answers}'
        f' IssueInstant="{date_time(now)}" Version="2.0">'
    )
    issuer = _issuer(app, declares=True)
    status = '<saml2p:Status><saml2p:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"></saml2p:StatusCode></saml2p:Status>'
    tail = f"{status}{assertion}</saml2p:Response>"
    return f"{head}{issuer}{signer.signature(response_id, f'{head}{issuer}{tail}')}{tail}"


def signed_assertion(app: SsoApp, session: OrgSession, signer: XmlSigner, now: float, request: AuthnRequest | None = None) -> str:
    """Return a signed assertion about the session's user, for this app, good for five minutes."""
    assertion_id, user = f"id{secrets.token_hex(16)}", session.user
    head = f'<saml2:Assertion xmlns:saml2="{_ASSERTION}" ID="{assertion_id}" IssueInstant="{date_time(now)}" Version="2.0">'
    issuer = _issuer(app, declares=False)
    ends, begins = date_time(now + _SKEW_SECONDS), date_time(now - _SKEW_SECONDS)
    answers = f' InResponseTo="{quoted(request.id)}"' if request is not None else ""
    signed_in_at = max(session.created_at, session.password_at or 0.0)
    attributes = {"email": user.login, "firstName": user.first_name, "lastName": user.last_name}
    tail = (
        f'<saml2:Subject><saml2:NameID Format="{_EMAIL}">{escaped(user.login)}</saml2:NameID>'
        '<saml2:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">'
        f'<saml2:SubjectConfirmationData{answers} NotOnOrAfter="{ends}" Recipient="{quoted(app.address)}"></saml2:SubjectConfirmationData>'
        f'</saml2:SubjectConfirmation></saml2:Subject><saml2:Conditions NotBefore="{begins}" NotOnOrAfter="{ends}">'
        f"<saml2:AudienceRestriction><saml2:Audience>{escaped(app.audience)}</saml2:Audience></saml2:AudienceRestriction>"
        f'</saml2:Conditions><saml2:AuthnStatement AuthnInstant="{date_time(signed_in_at)}" SessionIndex="{assertion_id}">'
        "<saml2:AuthnContext><saml2:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
        "</saml2:AuthnContextClassRef></saml2:AuthnContext></saml2:AuthnStatement><saml2:AttributeStatement>"
        f"{''.join(_attribute(name, value) for name, value in attributes.items())}"
        "</saml2:AttributeStatement></saml2:Assertion>"
    )
    return f"{head}{issuer}{signer.signature(assertion_id, f'{head}{issuer}{tail}')}{tail}"


def _issuer(app: SsoApp, *, declares: bool) -> str:
    namespace = f' xmlns:saml2="{_ASSERTION}"' if declares else ""
    return f'<saml2:Issuer{namespace} Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity">{escaped(entity_id(app))}</saml2:Issuer>'


def _attribute(name: str, value: str) -> str:
    return (
        f'<saml2:Attribute Name="{quoted(name)}" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified"><saml2:AttributeValue'
        ' xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string">'
        f"{escaped(value)}</saml2:AttributeValue></saml2:Attribute>"
    )


def metadata(app: SsoApp, certificate: str, base: str) -> str:
    """Return the metadata for a service provider: entity id, certificate, and the addresses for requests, below `base`."""
    bindings = "".join(
        f'<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:{name}" Location="{quoted(base)}/sso/saml"/>'
        for name in ("HTTP-POST", "HTTP-Redirect")
    )
    place = f'Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{quoted(base)}/slo/saml"'
    logout = f"<md:SingleLogoutService {place}/>" if app.logout_address and app.logout_certificate else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><md:EntityDescriptor entityID="{quoted(entity_id(app))}"'
        ' xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"><md:IDPSSODescriptor WantAuthnRequestsSigned="false"'
        f' protocolSupportEnumeration="{_PROTOCOL}"><md:KeyDescriptor use="signing"><ds:KeyInfo'
        f' xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate>'
        f"</ds:X509Data></ds:KeyInfo></md:KeyDescriptor>{logout}<md:NameIDFormat>{_EMAIL}</md:NameIDFormat>{bindings}"
        "</md:IDPSSODescriptor></md:EntityDescriptor>"
    )
