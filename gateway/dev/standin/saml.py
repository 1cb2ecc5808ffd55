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
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.dev.standin.sessions import OrgSession
from gateway.dev.standin.sso_apps import SsoApp
from gateway.dev.standin.xml_signature import XmlSigner, rendered

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
    """Return a signed response with a signed assertion about the session's user, for this app, good for five minutes."""
    about = {"app": app, "issuer": entity_id(app), "now": now, "request": request}
    signed_in_at = max(session.created_at, session.password_at or 0.0)
    assertion = signer.signed("saml_assertion.xml", **about, user=session.user, signed_in_at=signed_in_at, skew=_SKEW_SECONDS)
    return signer.signed("saml_response.xml", **about, assertion=assertion)


def metadata(app: SsoApp, certificate: str, base: str) -> str:
    """Return the metadata for a service provider: entity id, certificate, and the addresses for requests, below `base`."""
    return rendered("saml_metadata.xml", app=app, issuer=entity_id(app), certificate=certificate, base=base)
