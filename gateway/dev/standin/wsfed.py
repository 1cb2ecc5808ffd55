"""WS-Federation's passive profile: the token response that a form posts to an app.

Owns: its XML.
Must never: sign the response. Only the assertion inside is signed.
Rules: WS-Federation 1.2 §13 (`wa`, `wtrealm`, `wctx`, `wresult`), WS-Trust 1.3; Okta's template sends a SAML 1.1 assertion
(Core §2: `AssertionID`; the signature is the last child) with subject and attributes in the claims namespace of 2005.
"""

import secrets

from gateway.dev.standin.clock import date_time
from gateway.dev.standin.saml import entity_id
from gateway.dev.standin.sessions import OrgSession
from gateway.dev.standin.sso_apps import SsoApp
from gateway.dev.standin.xml_signature import XmlSigner, escaped, quoted

TOKEN_TYPE = "urn:oasis:names:tc:SAML:1.0:assertion"
_EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
_CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims"
_SECONDS = 300.0


def signed_assertion_1_1(app: SsoApp, session: OrgSession, issuer: str, signer: XmlSigner, now: float) -> str:
    """Return a signed assertion about the session's user, for this app, good for five minutes."""
    assertion_id, user = f"id{secrets.token_hex(16)}", session.user
    signed_in_at = date_time(max(session.created_at, session.password_at or 0.0))
    subject = (
        f'<saml:Subject><saml:NameIdentifier Format="{_EMAIL}">{escaped(user.login)}</saml:NameIdentifier><saml:SubjectConfirmation>'
        "<saml:ConfirmationMethod>urn:oasis:names:tc:SAML:1.0:cm:bearer</saml:ConfirmationMethod></saml:SubjectConfirmation></saml:Subject>"
    )
    attributes = {"emailaddress": user.login, "givenname": user.first_name, "surname": user.last_name}
    told = "".join(
        f'<saml:Attribute AttributeName="{name}" AttributeNamespace="{_CLAIMS}">'
        f"<saml:AttributeValue>{escaped(value)}</saml:AttributeValue></saml:Attribute>"
        for name, value in attributes.items()
    )
    head = (
        f'<saml:Assertion xmlns:saml="{TOKEN_TYPE}" AssertionID="{assertion_id}" IssueInstant="{date_time(now)}"'
        f' Issuer="{quoted(issuer)}" MajorVersion="1" MinorVersion="1">'
    )
    content = (
        f'<saml:Conditions NotBefore="{date_time(now - _SECONDS)}" NotOnOrAfter="{date_time(now + _SECONDS)}">'
        f"<saml:AudienceRestrictionCondition><saml:Audience>{escaped(app.audience)}</saml:Audience></saml:AudienceRestrictionCondition>"
        f'</saml:Conditions><saml:AuthenticationStatement AuthenticationInstant="{signed_in_at}"'
        f' AuthenticationMethod="urn:oasis:names:tc:SAML:1.0:am:password">{subject}</saml:AuthenticationStatement>'
        f"<saml:AttributeStatement>{subject}{told}</saml:AttributeStatement>"
    )
    tail = "</saml:Assertion>"
    return f"{head}{content}{signer.signature(assertion_id, f'{head}{content}{tail}')}{tail}"


SIGN_IN = "wsignin1.0"
_TRUST = "http://docs.oasis-open.org/ws-sx/ws-trust/200512"
_UTILITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
_LIFETIME_SECONDS = 300.0


def token_response(app: SsoApp, session: OrgSession, signer: XmlSigner, now: float) -> str:
    """Return `wresult`: a token response with a signed assertion about the session's user."""
    assertion = signed_assertion_1_1(app, session, entity_id(app), signer, now)
    return (
        f'<t:RequestSecurityTokenResponse xmlns:t="{_TRUST}"><t:Lifetime>'
        f'<wsu:Created xmlns:wsu="{_UTILITY}">{date_time(now)}</wsu:Created>'
        f'<wsu:Expires xmlns:wsu="{_UTILITY}">{date_time(now + _LIFETIME_SECONDS)}</wsu:Expires></t:Lifetime>'
        '<wsp:AppliesTo xmlns:wsp="http://schemas.xmlsoap.org/ws/2004/09/policy">'
        f'<wsa:EndpointReference xmlns:wsa="http://www.w3.org/2005/08/addressing"><wsa:Address>{escaped(app.audience)}</wsa:Address>'
        f"</wsa:EndpointReference></wsp:AppliesTo><t:RequestedSecurityToken>{assertion}</t:RequestedSecurityToken>"
        f"<t:TokenType>{TOKEN_TYPE}</t:TokenType></t:RequestSecurityTokenResponse>"
    )
