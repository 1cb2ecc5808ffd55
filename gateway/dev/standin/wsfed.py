"""WS-Federation's passive profile: the token response that a form posts to an app.

Owns: its XML.
Must never: sign the response. Only the assertion inside is signed.
Rules: WS-Federation 1.2 §13 (`wa`, `wtrealm`, `wctx`, `wresult`), WS-Trust 1.3; Okta's template sends a SAML 1.1 assertion
(Core §2: `AssertionID`; the signature is the last child) with subject and attributes in the claims namespace of 2005.
"""

from gateway.dev.standin.saml import entity_id
from gateway.dev.standin.sessions import OrgSession
from gateway.dev.standin.sso_apps import SsoApp
from gateway.dev.standin.xml_signature import XmlSigner, rendered

SIGN_IN = "wsignin1.0"
_LIFETIME_SECONDS = 300.0


def token_response(app: SsoApp, session: OrgSession, signer: XmlSigner, now: float) -> str:
    """Return `wresult`: a token response with a signed assertion about the session's user, good for five minutes."""
    about = {"app": app, "now": now, "lifetime": _LIFETIME_SECONDS}
    signed_in_at = max(session.created_at, session.password_at or 0.0)
    assertion = signer.signed("saml1_assertion.xml", **about, issuer=entity_id(app), user=session.user, signed_in_at=signed_in_at)
    return rendered("wsfed_response.xml", **about, assertion=assertion)
