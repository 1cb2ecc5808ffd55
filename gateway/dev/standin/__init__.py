"""A stand-in for an Okta org, for development and tests. It behaves as Okta documents, and has the bad habits of real orgs.

Owns: everything below this package.
Must never: import another room of the gateway, or be imported by one, except by the command line.

    running = await serve(Org(engine="identity", quirks={"idx-rotates"}), "127.0.0.1", 0)
    alice = running.org.sign_in("alice@example.com")         # alice.sid and alice.idx are live cookie values
    token = running.org.session_token("bob@example.com")
    …                                                         # requests to running.url
    assert [row.path for row in running.org.journal.rows] == ["/login/sessionCookieRedirect"]
    await running.aclose()

Without a session token, a session can begin by:

    POST /api/v1/authn, /login/sessionCookieRedirect   Okta's own page on Classic Engine, with factors and expired passwords
    POST /login/login.htm                     the same page without its script: username, password, fromURI
    POST /sso/saml2/{idp}                     an external provider's answer: SAMLResponse (unsigned), RelayState
    GET /oauth2/v1/authorize/callback         an external OpenID provider's answer: code is the login, state
    POST /idp/idx/identify                    Okta's own page on Identity Engine, or a script: identifier, credentials.passcode
    POST /oauth2/{as}/v1/interact             a client's own sign-in on Identity Engine, with the steps that okta-auth-js uses
    GET /login/token/redirect?stateToken=     the address in the answer of identify (/app/UserHome?stateToken= too)
    GET /welcome/{token}                      an activation link, `org.activation_token(login)`; the journal writes `{token}` here

None of them closes the session that the browser had. `/app/{name}/{id}/slo/saml` ends it, for a request that the app signed. `/activate`
confirms a device for its user. `org.app_links` lets a test demand a step-up of a living session (with its own `stateToken`), or move an app
to another origin. `org.clients` holds registered clients, `org.apps` SAML and WS-Fed apps, `org.accounts` locks and factors of users.
control.py lists the control paths.
"""

from gateway.dev.standin.clients import Client
from gateway.dev.standin.faults import Fault, fault
from gateway.dev.standin.journal import Row, fingerprint
from gateway.dev.standin.org import ALICE_AND_BOB, Engine, Org
from gateway.dev.standin.quirks import QUIRKS
from gateway.dev.standin.server import RunningOrg, application, serve
from gateway.dev.standin.sessions import OrgSession
from gateway.dev.standin.sso_apps import SsoApp
from gateway.dev.standin.tls import made_context
from gateway.dev.standin.users import User

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
