"""`check --okta`: prints what an administrator enters in Okta's admin console and in DNS for this configuration.

Owns these lines, in the order in which they are entered. ``deploy/OKTA.md`` explains them, and holds no value that is not printed here.
Must never print a secret.
"""

from collections.abc import Iterator
from enum import Enum
from urllib.parse import urlsplit

from gateway.commands.okta_settings import okta_settings
from gateway.compose.oidc_client import client_proof, issuer_of, redirect_uri_of
from gateway.config import Config, Settings
from gateway.oidc import ClientKey

Row = tuple[str, str]
_WIDTH = 34


class OrgArrangement(Enum):
    """Where the gateway is, seen from the org."""

    CUSTOM_DOMAIN = "the org's custom domain in front"
    OWN_NAME = "a login host of one's own name in front"
    NOT_IN_FRONT = "not in front of the org"


def way_of(config: Config) -> OrgArrangement:
    """Which of the three arrangements this configuration describes."""
    if config.session.source == "oidc":
        return OrgArrangement.NOT_IN_FRONT
    return OrgArrangement.CUSTOM_DOMAIN if config.okta.connect_to or config.okta.host else OrgArrangement.OWN_NAME


def okta_admin(settings: Settings) -> Iterator[str]:
    """The lines to print."""
    config = settings.config
    way = way_of(config)
    yield (
        f"The gateway is {way.value}: {config.okta.org}"
        if way is OrgArrangement.NOT_IN_FRONT
        else f"The gateway has {way.value}: {config.okta.org}"
    )
    for heading, rows in _sections(settings, way):
        yield ""
        yield heading
        yield from (f"  {label:<{_WIDTH}} {value}" for label, value in rows)
    yield ""
    yield from okta_settings(settings)


def _sections(settings: Settings, way: OrgArrangement) -> Iterator[tuple[str, list[Row]]]:
    config = settings.config
    yield "DNS", _dns(config, way)
    if way is not OrgArrangement.NOT_IN_FRONT:
        yield "Certificate of the login host", [("Name", _host(config.login.url)), ("Held by", _certificate(config))]
    if way is OrgArrangement.CUSTOM_DOMAIN:
        yield "Custom domain (Customizations > Brands > Domains)", [("Domain", _host(config.login.url)), ("Certificate", "your own")]
    if way is OrgArrangement.NOT_IN_FRONT:
        yield "App (Applications > Create App Integration > OIDC, Web Application)", list(_app(settings))
    yield "Trusted Origins (Security > API > Trusted Origins), type Redirect", list(_trusted(config, way))
    if way is not OrgArrangement.NOT_IN_FRONT:
        zone = [("Proxy IPs", "the addresses that the gateway connects from"), ("Gateway IPs", "leave empty")]
        yield "Network zone (Security > Networks > IP Zone)", zone
    yield "Rate limits to look at (Reports > Rate Limits)", [("Endpoint", endpoint) for endpoint in _endpoints(config, way)]


def _dns(config: Config, way: OrgArrangement) -> list[Row]:
    host = _host(config.login.url)
    rows = [(host, "the gateway's address")]
    rows += [(_host(app.url), "the gateway's address") for app in config.apps]
    if way is OrgArrangement.CUSTOM_DOMAIN:
        rows.append(("CNAME target, never changed", _host(config.okta.connect_to or config.okta.org)))
    return rows


def _certificate(config: Config) -> str:
    return config.listen.tls_certificate or "what ends TLS before the gateway"


def _app(settings: Settings) -> Iterator[Row]:
    config = settings.config
    yield "Grant type", "Authorization Code"
    yield "Sign-in redirect URI", redirect_uri_of(config)
    yield "Sign-out redirect URI", "none"
    yield "Proof Key for Code Exchange", "required"
    yield "User consent", "not required"
    yield "Issuer", issuer_of(config)
    yield "Client ID, as in oidc.client_id", config.oidc.client_id
    proof = client_proof(settings)
    if isinstance(proof, ClientKey):
        yield "Client authentication", "Public key / Private key"
        yield "Public key (JWK)", proof.public_text
    else:
        yield "Client authentication", "Client secret"
        yield "Secret, exactly as it stands in", config.oidc.client_secret_file
    yield "Authentication policy", "one factor, prompts again never while a session lives"


def _trusted(config: Config, way: OrgArrangement) -> Iterator[Row]:
    yield "Origin", config.login.url
    if way is not OrgArrangement.NOT_IN_FRONT:
        yield from (("Origin", app.url) for app in config.apps)


def _endpoints(config: Config, way: OrgArrangement) -> tuple[str, ...]:
    if way is OrgArrangement.NOT_IN_FRONT:
        base = f"{urlsplit(config.oidc.issuer).path or '/oauth2'}/v1"
        return (f"{base}/authorize", f"{base}/token", "/login/signout", "/login/sessionCookieRedirect")
    return ("/api/v1/sessions/me", "/login/login.htm", "/login/sessionCookieRedirect")


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""
