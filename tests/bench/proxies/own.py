"""The gateway as a contestant: composed as in production, before a stand-in org, with the pass of somebody who really signed in.

Owns the org and the one seal key, so that a gateway that starts again knows the pass; and which gateways are measured: the compiled build
where ``make compiled`` has made it of these very sources, and then the same as Python beside it; and that of an older checkout, where one
is given. An older gateway has the configuration of its checkout, and a state and passes of its own, since it need not read ours. The
journey is a browser's: a session token from the org, the login host, the hand-off, the pass.
"""

import asyncio
import base64
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from gateway.dev.standin import ALICE_AND_BOB, User
from gateway.policy.http.cookie_scopes import Scope
from gateway.policy.http.cookie_stamps import Stamps
from gateway.policy.http.cookies import PASS_NAME
from tests.bench.proxies.app_request import AppRequest
from tests.bench.proxies.contestants import CONFIGURATIONS, Contestant, ContestantAddress, filled_in
from tests.bench.proxies.processes import Command, Program, free_port
from tests.harness.person import HR, Person, redemption

NAME = "session-gateway"
APPS_OWN_COOKIE = "JSESSIONID=0123456789ABCDEF0123456789ABCDEF"
AS_PYTHON, OLDER = f"{NAME}, as Python", f"{NAME}, older"
ROOT = Path(__file__).parents[3]
COMMAND_LINE = (sys.executable, "-P", "-c", "from gateway.cli import main; main()")


def is_compiled(checkout: Path = ROOT) -> bool:
    """Whether there is a compiled build, and it is not older than a source."""
    made = checkout / "build" / "compiled" / ".made"
    return made.exists() and all(source.stat().st_mtime <= made.stat().st_mtime for source in (checkout / "gateway").rglob("*.py"))


def tree_of(checkout: Path) -> Path:
    """Where the gateway of a checkout is imported from: its compiled build where there is one."""
    return checkout / "build" / "compiled" if is_compiled(checkout) else checkout


def cannot_compare(old: Path | None) -> str:
    """Why the gateway of this older checkout cannot be measured beside ours; empty where it can."""
    if old is None:
        return ""
    if not (old / "gateway" / "cli.py").exists():
        return f"{old} is no checkout of the gateway"
    if is_compiled(old) == is_compiled():
        return ""
    return f"only one of the two is compiled: make compiled in {ROOT if is_compiled(old) else old}"


def _beside(tree: Path) -> dict[str, str]:
    """The environment in which the gateway of this tree is the one that starts."""
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(tree), os.environ.get("PYTHONPATH", ""))))}


@dataclass(frozen=True, slots=True)
class Setting:
    """What all gateways of one run have in common: the org's port, the seal key, and a folder for what each keeps."""

    org_port: int
    folder: Path
    key: str = field(default_factory=lambda: base64.b64encode(os.urandom(32)).decode(), repr=False)

    def gateway(self, name: str, checkout: Path, proxies: str = "", environ: Mapping[str, str] | None = None) -> Contestant:
        """The gateway of this checkout, compiled where it can be. ``proxies`` is as in ``listen.trusted_proxies``."""
        return self.of_tree(name, checkout, tree_of(checkout), proxies, environ)

    def of_tree(self, name: str, checkout: Path, tree: Path, proxies: str = "", environ: Mapping[str, str] | None = None) -> Contestant:
        """The same with modules from this tree. What a checkout's gateways keep, they have in common."""
        configurations = checkout / CONFIGURATIONS.relative_to(ROOT)
        state = self.folder / f"state-{checkout.name}"

        def command(place: ContestantAddress) -> Command:
            more = {"ORG": self.org_port, "ADMIN": free_port(), "STATE": state, "PROXIES": proxies}
            words = (*COMMAND_LINE, "run", "--config", str(filled_in("gateway.toml", place, more, configurations)))
            return Command(words, {"SESSION_GATEWAY_SEAL_KEYS": self.key, **_beside(tree), **(environ or {})})

        return Contestant(name, sys.executable, "", command)


class OrgWithGateways:
    """The org, running on the core of the load, and the gateways before it as contestants. ``with`` ends the org."""

    def __init__(self, core: int, folder: Path, old: Path | None = None) -> None:
        """Start the org. ``old``: an older checkout."""
        self._port = free_port()
        self.setting = Setting(self._port, folder)
        self._org = Program(Command((*COMMAND_LINE, "org", "--port", str(self._port)), _beside(ROOT)), core, folder / "org.log")
        self._org.listens(self._port)
        self.contestant = self.setting.gateway(NAME, ROOT)
        self.older = self.setting.gateway(OLDER, old) if old is not None else None
        as_python = self.setting.of_tree(AS_PYTHON, ROOT, ROOT) if is_compiled() else None
        self.others = tuple(one for one in (as_python, self.older) if one is not None)

    def __enter__(self) -> "OrgWithGateways":
        """Itself."""
        return self

    def __exit__(self, *raised: object) -> None:
        """End the org."""
        self._org.__exit__()

    def signed_in(self, gateway_port: int) -> AppRequest:
        """Sign alice in through a running gateway; what her browser then asks of the app."""
        return asyncio.run(self._journey(gateway_port))

    async def _journey(self, gateway_port: int) -> AppRequest:
        alice = ALICE_AND_BOB[0]
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False) as client:
            asked = {"username": alice.login, "password": alice.password}
            plain = {"Accept-Encoding": "identity"}
            async with client.post(f"http://127.0.0.1:{self._port}/api/v1/authn", json=asked, headers=plain) as answer:
                token = (await answer.json())["sessionToken"]
            person = Person(client, lambda: gateway_port)
            await person.ask(redemption(token, "/app/UserHome"))
            reply = await person.go(f"{HR}/", site="none")
        sealed = person.cookie(PASS_NAME.decode(), HR)
        if reply.status != 200 or sealed is None:
            raise AssertionError(f"the journey ended at {reply.url} with {reply.status}: {reply.body[:300]}")
        return AppRequest(f"{PASS_NAME.decode()}={sealed}; {self._apps_own(alice)}")

    def _apps_own(self, user: User) -> str:
        """The app's session cookie as this user's browser has it."""
        stamps = Stamps([base64.b64decode(self.setting.key)], HR.partition("://")[2].encode()).of(user.id)
        name, _, value = APPS_OWN_COOKIE.encode().partition(b"=")
        return (name + b"=" + stamps.stamp(name, value, Scope(1)) + value).decode()
