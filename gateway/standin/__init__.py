"""A stand-in Okta org for development and tests: faithful to what Okta documents, bad habits first.

Owns: everything below this package.
Must never: import another room of the gateway, or be imported by one (the command line starts it).
Rules: DESIGN section 11.

    running = await serve(Org(engine="identity", quirks={"idx-rotates"}), "127.0.0.1", 0)
    alice = running.org.sign_in("alice@example.com")         # alice.sid and alice.idx are live cookie values
    token = running.org.session_token("bob@example.com")
    …                                                         # requests to running.url
    assert [row.path for row in running.org.journal.rows] == ["/login/sessionCookieRedirect"]
    await running.aclose()

Besides a token, a session begins by:

    POST /login/login.htm                     the form: username, password, fromURI
    POST /sso/saml2/{idp}                     an external provider's answer: SAMLResponse (unsigned), RelayState
    GET /oauth2/v1/authorize/callback         an external OpenID provider's answer: code is the login, state
    POST /idp/idx/identify                    a script, Identity Engine alone: identifier, credentials.passcode
    GET /login/token/redirect?stateToken=     what its answer leads to (/app/UserHome?stateToken= too)
    GET /welcome/{token}                      an activation link, `org.activation_token(login)`; the journal writes it in these letters

None of them closes the session that the browser had. `org.app_links` orders a step-up of a living session, by a `stateToken` of its
own, or an app at another origin. control.py lists the control paths.
"""

from gateway.standin.clients import Client
from gateway.standin.faults import Fault, fault
from gateway.standin.journal import Row, fingerprint
from gateway.standin.org import ALICE_AND_BOB, Engine, Org
from gateway.standin.quirks import QUIRKS
from gateway.standin.server import RunningOrg, application, serve
from gateway.standin.sessions import OrgSession
from gateway.standin.sso_apps import SsoApp
from gateway.standin.tls import made_context
from gateway.standin.users import User

__all__ = [
    "ALICE_AND_BOB",
    "QUIRKS",
    "Client",
    "Engine",
    "Fault",
    "Org",
    "OrgSession",
    "Row",
    "RunningOrg",
    "SsoApp",
    "User",
    "application",
    "fault",
    "fingerprint",
    "made_context",
    "serve",
]
