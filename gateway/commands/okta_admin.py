"""`check --okta` and `hook`: what an administrator enters in Okta's admin console and in DNS for this configuration.

Owns the values in the two texts, which are in ``templates/``. ``deploy/OKTA.md`` explains them, and holds no value that is not printed
here. Must never print a secret.
"""

from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined

from gateway.compose.oidc_client import client_proof, issuer_of, redirect_uri_of
from gateway.config import Config, Settings
from gateway.doors.hooks.event_hook import EVENT_HOOK_PATH
from gateway.doors.hooks.universal_logout import UNIVERSAL_LOGOUT_PATH
from gateway.oidc import ClientKey
from gateway.policy.hooks.okta_events import ASKS, BEGINS, ENDS

_TEMPLATES = Environment(  # noqa: S701 - text for a terminal, not HTML
    loader=PackageLoader("gateway.commands"), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, auto_reload=False
)
_EVENTS = (("shows that the hook works", BEGINS), ("Okta is asked again", ASKS), ("ends sessions", ENDS))


def okta_admin(settings: Settings) -> str:
    """Everything to enter, in the order in which it is entered."""
    config = settings.config
    arrangement = _arrangement(config)
    about: dict[str, object] = {"arrangement": arrangement, "host": _host, "endpoints": _endpoints(config, arrangement)}
    if arrangement == "not in front":
        proof = client_proof(settings)
        key = proof.public_text if isinstance(proof, ClientKey) else ""
        about |= {"redirect_uri": redirect_uri_of(config), "issuer": issuer_of(config), "public_key": key}
    return _rendered("okta_admin.txt", config, about)


def okta_settings(settings: Settings) -> str:
    """What to enter for the event hook and Universal Logout, configured or not."""
    return _rendered("okta_settings.txt", settings.config, {})


def _rendered(template: str, config: Config, about: dict[str, object]) -> str:
    paths = {"event_hook_path": EVENT_HOOK_PATH, "universal_logout_path": UNIVERSAL_LOGOUT_PATH}
    return _TEMPLATES.get_template(template).render(config=config, events=_EVENTS, **paths, **about).rstrip("\n")


def _arrangement(config: Config) -> str:
    """Where the gateway is, seen from the org."""
    if config.session.source == "oidc":
        return "not in front"
    return "custom domain" if config.okta.connect_to or config.okta.host else "own name"


def _endpoints(config: Config, arrangement: str) -> tuple[str, ...]:
    if arrangement == "not in front":
        base = f"{urlsplit(config.oidc.issuer).path or '/oauth2'}/v1"
        return (f"{base}/authorize", f"{base}/token", "/login/signout", "/login/sessionCookieRedirect")
    return ("/api/v1/sessions/me", "/login/login.htm", "/login/sessionCookieRedirect")


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""
