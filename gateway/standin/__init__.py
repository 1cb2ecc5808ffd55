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
"""

from gateway.standin.faults import Fault, fault
from gateway.standin.journal import Row, fingerprint
from gateway.standin.org import ALICE_AND_BOB, Engine, Org
from gateway.standin.quirks import QUIRKS
from gateway.standin.server import RunningOrg, application, serve
from gateway.standin.sessions import OrgSession
from gateway.standin.users import User

__all__ = [
    "ALICE_AND_BOB",
    "QUIRKS",
    "Engine",
    "Fault",
    "Org",
    "OrgSession",
    "Row",
    "RunningOrg",
    "User",
    "application",
    "fault",
    "fingerprint",
    "serve",
]
