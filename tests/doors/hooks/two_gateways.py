"""A system whose gateway has an event hook and Universal Logout, a second gateway on the same shared state, and Okta's calls.

Owns the configuration, the secret and the calls. Checks nothing by itself.
"""

import asyncio
import io
import json
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

from gateway.clock import Clock
from gateway.doors.hooks.event_hook import EVENT_HOOK_PATH
from gateway.doors.hooks.universal_logout import UNIVERSAL_LOGOUT_PATH
from gateway.policy.hooks.universal_logout import TOKEN_TYPE
from gateway.shared_state import MemoryState
from tests.harness.gateway import AnyGateway
from tests.harness.person import HR, SCRIPT, Person
from tests.harness.polling import moment
from tests.harness.redis_servers import RedisProcess, running
from tests.harness.system import System, system
from tests.policy.hooks.events import delivery, event
from tests.shared_state.engines import Engine

SECRET = "hook-secret-0123456789-0123456789-abc"
APP = "0oaportal"
LOGIN_HOST = "login.example.com"
PATIENCE = 30.0
"""News travel within milliseconds; a machine that is busy takes longer."""
LOGOUT = f"https://{LOGIN_HOST}{UNIVERSAL_LOGOUT_PATH}"


@dataclass
class TwoGateways:
    """A system, and a second gateway of it."""

    system: System
    second: AnyGateway

    @property
    def ports(self) -> tuple[int, int]:
        """Where the two gateways listen."""
        return self.system.port, self.second.public_port

    async def call(
        self, path: str, method: str = "POST", body: bytes = b"", port: int | None = None, fields: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Status and JSON of the answer to a call of Okta's."""
        sent = {"Host": LOGIN_HOST, **(fields or {})}
        url = f"http://127.0.0.1:{port or self.system.port}{path}"
        async with self.system.client.request(method, url, headers=sent, data=io.BytesIO(body) if method == "POST" else None) as response:
            text = await response.read()
            return response.status, json.loads(text) if text else {}

    async def post(self, body: bytes, secret: str = SECRET, port: int | None = None) -> int:
        """The status of the answer to a delivery."""
        status, _ = await self.call(
            EVENT_HOOK_PATH, body=body, port=port, fields={"Authorization": secret, "Content-Type": "application/json"}
        )
        return status

    async def seen(self, person: Person, port: int) -> str:
        """What a page of the app says to this person at one of the gateways; "" where it is not let in."""
        person.port = lambda: port
        reply = await person.ask(f"{HR}/", fields=SCRIPT, site="same-origin")
        return reply.body if reply.status == 200 else ""

    async def refused(self, person: Person) -> None:
        """Wait until no gateway lets this person in. The one that was told first refuses at once: it is asked no second time."""
        assert await self.seen(person, self.ports[0]) == ""
        async with asyncio.timeout(PATIENCE):
            while await self.seen(person, self.ports[1]):
                await moment(0.005)

    @asynccontextmanager
    async def ticking(self) -> AsyncIterator[None]:
        """The clock of the test goes on: else every question counts as one of the instant at which a user was last heard of."""

        async def ticks() -> None:
            while True:
                await moment(0.01)
                self.system.later(0.01)

        task = asyncio.create_task(ticks())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def happens(self, kind: str, login: str, *, event_id: str = "", after: float = 0.0, port: int | None = None) -> int:
        """Okta delivers an event about this user, published so many seconds from now by the org's clock."""
        published = self.system.org.clock.now() + after
        content = event(kind, published, actor=self.system.org.known_user(login).id)
        return await self.post(self.delivery(content, event_id=event_id or f"{kind} {login} {published}"), port=port)

    def delivery(self, *events: object, event_id: str = "one") -> bytes:
        """What this org posts."""
        return delivery(*events, event_id=event_id, source=f"{self.system.running.url}/api/v1/eventHooks/who1")

    def token(self, key: RSAKey | None = None, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token as Okta signs it for Universal Logout, with other claims where they are given."""
        now = int(self.system.org.clock.now())
        said = {"jti": f"{now} {len(claims)}", "iss": self.system.running.url, "sub": APP, "aud": LOGOUT} | {
            "iat": now,
            "nbf": now - 300,
            "exp": now + 300,
        }
        signing = key or self.system.org.signing_key
        head = {"alg": "RS256", "kid": signing.kid, "typ": TOKEN_TYPE} | (header or {})
        return jwt.encode(head, said | claims, signing)

    async def log_out(self, subject: object, token: str | None = None, port: int | None = None) -> tuple[int, str]:
        """Status and word of the answer to a call of Universal Logout."""
        fields = {"Authorization": f"Bearer {self.token() if token is None else token}"} if token != "" else {}
        body = json.dumps({"sub_id": subject}).encode()
        status, said = await self.call(UNIVERSAL_LOGOUT_PATH, body=body, port=port, fields=fields)
        return status, str(said.get("error", ""))


def email(login: str) -> dict[str, str]:
    """A subject by its address."""
    return {"format": "email", "email": login}


CONFIGURATION = """
[session]
ttl_with_hook = "15m"
{state}
[hooks]
okta_secret_file = "{folder}/secret"
universal_logout_apps = ["{app}"]
"""


def state_of(engine: Engine, folder: Path, redis: RedisProcess | None) -> str:
    """The table that names this engine."""
    if engine == "redis":
        port = (redis or running()).port
        return f'[state]\nurl = "redis://127.0.0.1:{port}"\nprefix = "{folder.parent.name}-{folder.name}"\ntimeout = "2s"'
    return f'[state]\ndirectory = "{folder}/state"' if engine == "sqlite" else ""


@contextmanager
def unwritable(folder: Path) -> Iterator[None]:
    """Nobody can write into the gateways' SQLite file: something else holds it."""
    with closing(sqlite3.connect(folder / "state" / "state.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@asynccontextmanager
async def two_gateways(folder: Path, engine: Engine, redis: RedisProcess | None = None) -> AsyncIterator[TwoGateways]:
    """Both gateways running, on one memory of this engine. ``redis``: a server of the test's own."""
    (folder / "secret").write_text(f"# Okta's\nolder-secret-0123456789-0123456789-abc\n{SECRET}\n")
    (folder / "secret").chmod(0o600)
    more = CONFIGURATION.format(state=state_of(engine, folder, redis), folder=folder, app=APP)
    async with system(switch=more, state=MemoryState(Clock()) if engine == "memory" else None) as made:
        second = made.made()
        await second.start()
        try:
            yield TwoGateways(made, second)
        finally:
            await second.aclose()
