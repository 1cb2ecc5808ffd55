"""Builds the gateway as an OpenID Connect client of the org, and the session source that uses its proofs.

Translates ``[oidc]``. Must never show a secret.
"""

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import ClientSession

from gateway.clock import Clock
from gateway.compose.hosts import OrgAddress, org_timeouts
from gateway.config import Config, Settings
from gateway.doors.oidc.bounces import CALLBACK
from gateway.oidc import ClientKey, ClientProof, ClientSecret, OrgClient, OrgClientRules, Proofs
from gateway.policy.oidc.bounces import AuthorizeRequest
from gateway.policy.session.seal import Sealer
from gateway.shared_state import SharedState


@dataclass(frozen=True, slots=True)
class OidcClient:
    """The org as an OpenID provider, and the stored proofs that it gave."""

    org: OrgClient
    proofs: Proofs


def issuer_of(config: Config) -> str:
    """The issuer whose client the gateway is."""
    return config.oidc.issuer or config.okta.org


def redirect_uri_of(config: Config) -> str:
    """The address to which the org sends browsers back."""
    return config.login.url + CALLBACK


def client_proof(settings: Settings) -> ClientProof:
    """How the gateway authenticates at the org: with a key or a secret."""
    client_id, credential = settings.config.oidc.client_id, settings.credential
    return ClientKey(client_id, credential.private_key) if credential.private_key else ClientSecret(client_id, credential.secret)


def org_client(settings: Settings, client: ClientSession, org: OrgAddress, clock: Clock) -> OrgClient:
    """The OpenID Connect client; ``client`` sends its requests."""
    config = settings.config
    rules = OrgClientRules(issuer_of(config), AuthorizeRequest(config.oidc.client_id, redirect_uri_of(config)))
    return OrgClient(rules, client_proof(settings), client, org.destination, org_timeouts(config), clock)


def oidc_client(
    settings: Settings,
    connection: tuple[ClientSession, OrgAddress],
    sealer: Sealer,
    state: SharedState,
    has_ended: Callable[[str], bool],
    clock: Clock,
) -> OidcClient | None:
    """None if the configuration names another session source.

    ``connection``: how the org is asked; ``has_ended``: whether a session id is revoked, as ``Proofs`` needs it.
    """
    if settings.config.session.source != "oidc":
        return None
    proofs = Proofs(state, sealer, has_ended, clock, settings.config.session.proof_interval)
    return OidcClient(org_client(settings, *connection, clock), proofs)
