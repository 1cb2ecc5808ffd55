"""WS-Federation's passive profile: the token response that a form posts to an app.

Owns: its XML.
Must never: sign anything. Only the assertion inside is signed.
Rules: WS-Federation 1.2 §13 (`wa`, `wtrealm`, `wctx`, `wresult`), WS-Trust 1.3; Okta's template sends a SAML 1.1 assertion (saml1.py).
"""

from gateway.dev.standin.clock import date_time
from gateway.dev.standin.saml import entity_id
from gateway.dev.standin.saml1 import TOKEN_TYPE, signed_assertion_1_1
from gateway.dev.standin.sessions import OrgSession
from gateway.dev.standin.sso_apps import SsoApp
from gateway.dev.standin.xml_signature import XmlSigner, escaped

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
