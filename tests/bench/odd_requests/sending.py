"""The three proxies before one app, and what became of a request that was sent to each.

Owns the configurations: the same two rules for all, everything is open but ``/admin/**``. Must never leave a process behind.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.proxies.processes import Command, Program, found, free_port
from tests.harness.site import CONFIGURATION, Site, deployed

SECONDS: Final = 5.0
NEEDED: Final = ("nginx", "caddy")
NAMES: Final = ("gateway", "nginx", "Caddy")

GATEWAY: Final = (
    CONFIGURATION.partition("[[app]]")[0]
    + """[[app]]
name = "hr"
url = "https://hr.example.com"
upstream = "{upstream}"
access = "anyone"
allow_public_root = true
rule = [{{ path = "/admin/**" }}]
"""
)
NGINX: Final = """daemon off; master_process off; error_log stderr crit; pid @FOLDER@/pid;
events { }
http {
    access_log off;
    client_body_temp_path @FOLDER@/body; proxy_temp_path @FOLDER@/proxy; fastcgi_temp_path @FOLDER@/a; uwsgi_temp_path @FOLDER@/b;
    scgi_temp_path @FOLDER@/c;
    server {
        listen 127.0.0.1:@PORT@;
        location / { proxy_pass http://127.0.0.1:@APP@; }
        location /admin/ { return 401; }
        location = /admin { return 401; }
    }
}
"""
CADDY: Final = """{
    admin off
    auto_https off
}
:@PORT@ {
    bind 127.0.0.1
    @admin path /admin /admin/*
    respond @admin 401
    reverse_proxy 127.0.0.1:@APP@
}
"""


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a request: the status for its client, 0 for none, and what the app was asked, None for nothing."""

    status: int
    asked: bytes | None

    def shown(self, sent: bytes) -> str:
        """In a word or two."""
        if self.asked == sent:
            return "as sent"
        if self.asked is not None:
            return "as " + self.asked.decode("latin-1").partition(" ")[2]
        return str(self.status) if self.status else "closed"


@dataclass(frozen=True, slots=True)
class Proxies:
    """All three, by their ports; ``site`` has the gateway and the app."""

    site: Site
    ports: tuple[int, ...]

    async def fates(self, method: bytes, target: bytes) -> tuple[Fate, ...]:
        """What became of one request at each of ``NAMES``."""
        return tuple([await self._fate(port, method + b" " + target) for port in (self.site.gateway.public_port, *self.ports)])

    async def _fate(self, port: int, sent: bytes) -> Fate:
        visits = self.site.behind.visits
        visits.clear()
        try:
            async with asyncio.timeout(SECONDS):
                answer = await self.site.raw(sent + b" HTTP/1.1\r\nHost: hr.example.com\r\nConnection: close\r\n\r\n", port)
        except (TimeoutError, ConnectionError):
            answer = b""
        status = answer[9:12]
        return Fate(int(status) if status.isdigit() else 0, visits[0].line.rpartition(b" HTTP/")[0] if visits else None)


def missing() -> str:
    """What is not installed; empty where nothing is."""
    return ", ".join(name for name in NEEDED if found(name) is None)


@asynccontextmanager
async def proxies(folder: Path) -> AsyncIterator[Proxies]:
    """All of them running; ``folder`` is for their files."""
    async with deployed(configuration=GATEWAY) as site, AsyncExitStack() as opened:
        ports = []
        for name, text in (("nginx", NGINX), ("caddy", CADDY)):
            port, file = free_port(), folder / name
            for key, value in (("@FOLDER@", folder), ("@PORT@", port), ("@APP@", site.behind.port)):
                text = text.replace(key, str(value))
            file.write_text(text, "utf-8")
            words = ("-p", str(folder), "-e", "stderr", "-c", str(file)) if name == "nginx" else _caddy(file)
            homes = dict.fromkeys(("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"), str(folder))
            program = opened.enter_context(Program(Command((found(name) or "", *words), homes), "0-63", folder / f"{name}.said"))
            program.listens(port)
            ports.append(port)
        yield Proxies(site, tuple(ports))


def _caddy(file: Path) -> tuple[str, ...]:
    return "run", "--adapter", "caddyfile", "--config", str(file)
