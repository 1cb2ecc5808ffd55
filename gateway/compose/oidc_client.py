"""The gateway as an OpenID Connect client of the org, put together, and the source of truth that is made of its proofs.

Owns the translation of ``[oidc]``. Must never show a secret.
"""

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import ClientSession

from gateway.clock import Clock
from gateway.compose.hosts import OrgPlace, org_deadlines
from gateway.config import Config, Settings
from gateway.doors.oidc.bouncing import CALLBACK
from gateway.oidc import ClientKey, ClientProof, ClientSecret, OrgClient, OrgClientRules, Proofs
from gateway.policy.oidc.bounces import AuthorizeRequest
from gateway.policy.session.seal import Sealer
from gateway.shared_state import SharedState


@dataclass(frozen=True, slots=True)
class OidcClient:
    """The org as an OpenID provider, and the proofs that it gave."""

    org: OrgClient
    proofs: Proofs


def issuer_of(config: Config) -> str:
    """The issuer whose client the gateway is."""
    return config.oidc.issuer or config.okta.org


def redirect_uri_of(config: Config) -> str:
    """Where the org sends browsers back to."""
    return config.login.url + CALLBACK


def client_proof(settings: Settings) -> ClientProof:
    """How the gateway shows who it is."""
    client_id, credential = settings.config.oidc.client_id, settings.credential
    return ClientKey(client_id, credential.private_key) if credential.private_key else ClientSecret(client_id, credential.secret)


def org_client(settings: Settings, client: ClientSession, place: OrgPlace, clock: Clock) -> OrgClient:
    """The client; ``client``: what its questions go through."""
    config = settings.config
    rules = OrgClientRules(issuer_of(config), AuthorizeRequest(config.oidc.client_id, redirect_uri_of(config)))
    return OrgClient(rules, client_proof(settings), client, place.destination, org_deadlines(config), clock)


def oidc_client(
    settings: Settings,
    way: tuple[ClientSession, OrgPlace],
    sealer: Sealer,
    state: SharedState,
    has_ended: Callable[[str], bool],
    clock: Clock,
) -> OidcClient | None:
    """None where the configuration names another source of truth. ``way``: how the org is asked; ``has_ended``: as ``Proofs`` asks."""
    if settings.config.session.source != "oidc":
        return None
    proofs = Proofs(state, sealer, has_ended, clock, settings.config.session.proof_interval)
    return OidcClient(org_client(settings, *way, clock), proofs)
