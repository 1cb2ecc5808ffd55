"""An app with its own session, as legacy apps have: a request with the cookie belongs to the user for whom the session began.

Owns the state of that app, and the reading of the gateway's Set-Cookie lines as a browser reads them. Checks nothing by itself.
"""

import re
from dataclasses import dataclass, field

from tests.harness.app import Visit
from tests.harness.browser import HR
from tests.harness.replies import RawReply
from tests.harness.site import CONFIGURATION, FETCH, NAVIGATE, Site

SIGN_OUT = "/app/logout"
WITH_SIGN_OUT = CONFIGURATION.replace('name = "hr"', f'name = "hr"\nsign_out_path = "{SIGN_OUT}"')


@dataclass
class AppOfSessions:
    """``owners``: who began each session; ``attributes``: those of the cookie that it sets; ``signed_out``: sessions that were ended."""

    name: str = "JSESSIONID"
    attributes: str = "Path=/; HttpOnly"
    owners: dict[str, str] = field(default_factory=dict)
    signed_out: list[str] = field(default_factory=list)

    async def __call__(self, visit: Visit) -> None:
        """Answer with the owner of the session that goes on, or begin one."""
        await visit.body()
        user = (visit.value(b"remote-user") or b"nobody").decode()
        brought = [value for value in self.brought(visit) if value in self.owners]
        if b"/logout" in visit.line:
            self.signed_out += brought
            return await visit.say(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")
        line = b""
        if not brought:
            brought = [f"s{len(self.owners) + 1}"]
            self.owners[brought[0]] = user
            line = f"Set-Cookie: {self.name}={brought[0]}; {self.attributes}\r\n".encode()
        said = self.owners[brought[0]].encode()
        await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%b\r\n%b" % (len(said), line, said))

    def brought(self, visit: Visit) -> list[str]:
        """The values of its cookie in a request."""
        pieces = re.split(r"; *", (visit.value(b"cookie") or b"").decode("latin-1"))
        return [value for name, _, value in (piece.partition("=") for piece in pieces) if name == self.name]


def removed(reply: RawReply) -> list[str]:
    """Name, path and domain of each cookie that an answer removes, in order."""
    lines = [line.split("; ") for line in reply.values("Set-Cookie") if "Max-Age=0" in line]
    return [" ".join(part for part in line if part.startswith(("Path=", "Domain=")) or part is line[0]) for line in lines]


def stamped(reply: RawReply, name: str = "JSESSIONID") -> str:
    """The pair that a browser sends back for the cookie that an answer sets."""
    [line] = [line for line in reply.values("Set-Cookie") if line.startswith(f"{name}=") and "Max-Age=0" not in line]
    return line.partition(";")[0]


async def asked(site: Site, cookies: bytes, *more: str, target: str = "/app/page", fields: bytes = NAVIGATE, origin: str = HR) -> RawReply:
    """One request with the cookies of a signed-in browser and some more."""
    line = b"; ".join([cookies.strip(), *(one.encode() for one in more)]) if cookies else b"Cookie: " + "; ".join(more).encode()
    return await site.ask(target, fields + line + b"\r\n", origin=origin)


async def fetched(site: Site, cookies: bytes, *more: str, target: str = "/app/page") -> RawReply:
    """The same, asked by a script."""
    return await asked(site, cookies, *more, target=target, fields=FETCH)
