"""What the tests say through a front proxy and read of it: request lines in many spellings, heads of the app. Checks nothing by itself."""

import re

from tests.fronts.deployment import FrontDeployment, cookie_line
from tests.harness.person import Person
from tests.harness.websocket import KEY
from tests.harness.wire import Wire

FETCH = b"Accept: application/json\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\nSec-Fetch-Site: same-origin\r\n"
SHAKE = b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + KEY + b"\r\n"
SPELLINGS = (
    *("Remote-User", "remote-user", "REMOTE-USER", "Remote_User", "remote_user", "Remote.User", "Remote-User-Id", "Remote-User_Id"),
    *("Remote_User-Id", "Remote.User.Id", "Remote!User", "Remote~User", "X-Gateway-Omitted", "X_Gateway_Omitted", "X.Gateway.Omitted"),
)
CLAIMS = (
    *("X-Forwarded-For", "X_Forwarded_For", "X.Forwarded.For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Uri", "Forwarded"),
    *("X-Real-IP", "X-Original-URL", "X-Original-Method", "X-Rewrite-URL", "X-HTTP-Method-Override"),
)
UPWARDS = (
    *("/public/../{0}", "/public/%2e%2e/{0}", "/public/%2E%2E%2F{0}", "/public/..%2f{0}", "/public%2f..%2f{0}", "/public//../{0}"),
    *("/public/./../{0}", "/public/..;/{0}", "/public/.;/../{0}", "/public/..%3b/{0}", "/public/..%5c{0}", "//{0}", "/public/..//{0}"),
    *("//public/../{0}", "/x//..//{0}", "/{0}", "/{0}%2f", "/%2e/{0}", "/.gateway/../{0}", "/.gateway/%2e%2e/{0}", "/.gateway/..%2f{0}"),
    *(
        "/public/..%00/{0}",
        "/public/%c0%ae%c0%ae/{0}",
        "/public/..%23/{0}",
        "/public/..%3f/{0}",
        "/public/%2e%2e;x=1/{0}",
        "/public\\..\\{0}",
    ),
)


def status(answer: bytes) -> int:
    return int(answer[9:12] or b"0")


def folded(name: bytes) -> bytes:
    """The name as the most careless app reads it."""
    return re.sub(rb"[^a-z0-9]", b"-", name.lower())


def told(site: FrontDeployment, name: bytes) -> list[bytes]:
    """What the app's last request said under any spelling of this name."""
    lines = (line.partition(b": ") for line in site.app.last.fields)
    return [value for key, _, value in lines if folded(key) == name]


async def shaken(site: FrontDeployment, person: Person, origin: str) -> tuple[Wire, bytes]:
    """A WebSocket asked for by a page of this origin, in a browser without Fetch Metadata: the connection, and the answer's head."""
    wire, fields = await site.wire(), f"Origin: {origin}\r\n".encode() + cookie_line(person)
    await wire.say(b"GET /ws HTTP/1.1\r\nHost: hr.example.com\r\nConnection: Upgrade\r\n" + SHAKE + fields + b"\r\n")
    return wire, await wire.head()
