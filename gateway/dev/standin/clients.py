"""The OpenID Connect clients that the org knows.

Owns: their registration, and what each may ask for.
Must never: answer a request.
Rules: RFC 7591 (names of the metadata); Okta's app settings: redirect addresses are compared letter by letter, a client without a secret
needs PKCE, a refresh token of a public client is rotated. While no client is registered, every client id is accepted as a public client and
may redirect to any Trusted Origin. So tests about other subjects need not register one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, Field

from gateway.dev.standin.devices import GRANT_TYPE as DEVICE_GRANT

STANDARD_SCOPES = frozenset({"openid", "profile", "email", "address", "phone", "offline_access", "groups", "device_sso"})
ALL_GRANTS = frozenset(
    {"authorization_code", "implicit", "refresh_token", "password", "client_credentials", "interaction_code", DEVICE_GRANT}
)
ALL_RESPONSES = frozenset({"code", "token", "id_token"})
MOST_CLIENTS = 1000


@dataclass(frozen=True, slots=True)
class Client:
    """One client. `public_key` is the JWK that verifies its assertions (`private_key_jwt`). Without key and secret it is public.

    `scopes` are its scopes beyond the standard ones, such as `okta.sessions.read`. `only_for` are the logins that it is assigned to; None
    is everybody. `frontchannel_logout_uri` is opened in a frame when another app ends the session, with `iss` and `sid` if
    `frontchannel_logout_session_required` is set.
    """

    id: str
    redirect_uris: tuple[str, ...] = ()
    secret: str | None = field(default=None, repr=False)
    public_key: Mapping[str, Any] | None = None
    post_logout_redirect_uris: tuple[str, ...] = ()
    grant_types: frozenset[str] = frozenset({"authorization_code"})
    scopes: frozenset[str] = frozenset()
    only_for: frozenset[str] | None = None
    name: str = "App"
    frontchannel_logout_uri: str = ""
    frontchannel_logout_session_required: bool = False

    @property
    def is_public(self) -> bool:
        """True if the client has neither a key nor a secret."""
        return self.secret is None and self.public_key is None

    def may_ask_for(self, responses: Iterable[str]) -> bool:
        """Return whether its grant types allow these parts of a `response_type`."""
        needed = {"authorization_code" if part == "code" else "implicit" for part in responses}
        return needed <= self.grant_types

    def unknown_scopes(self, requested: Iterable[str]) -> list[str]:
        """Return the scopes among these that it may not have, sorted."""
        return sorted(set(requested) - STANDARD_SCOPES - self.scopes)


class Clients:
    """The registered clients. While there are none, every client id is accepted."""

    def __init__(self, registered: Iterable[Client] = ()) -> None:
        self._registered = {client.id: client for client in registered}

    @property
    def is_open(self) -> bool:
        """True while no client is registered. Then no client is checked."""
        return not self._registered

    def register(self, client: Client) -> None:
        """Register a client. It replaces one with the same id. ValueError if there are too many."""
        if len(self._registered) >= MOST_CLIENTS and client.id not in self._registered:
            raise ValueError(f"client_id: there are {MOST_CLIENTS} clients already")
        self._registered[client.id] = client

    def find(self, client_id: str | None) -> Client | None:
        """Return the client with this id; None for an unknown or missing id."""
        if not client_id:
            return None
        return Client(client_id, grant_types=ALL_GRANTS) if self.is_open else self._registered.get(client_id)


class _Metadata(BaseModel):
    """The metadata of a registration. Other members are ignored."""

    client_id: Annotated[str, Field(min_length=1)]
    client_secret: str | None = None
    client_name: str | None = None
    jwks: dict[str, Any] | None = None
    redirect_uris: tuple[str, ...] | None = None
    post_logout_redirect_uris: tuple[str, ...] | None = None
    grant_types: frozenset[str] | None = None
    scope: str | None = None
    only_for: frozenset[str] | None = None
    frontchannel_logout_uri: str | None = None
    frontchannel_logout_session_required: bool = False


def client_of(metadata: Mapping[str, Any]) -> Client:
    """Return the client of a registration (RFC 7591 §2). The ValueError says what is wrong with it."""
    said = _Metadata.model_validate(metadata)
    return Client(
        id=said.client_id,
        secret=said.client_secret,
        public_key=next(iter((said.jwks or {}).get("keys") or ()), None),
        redirect_uris=said.redirect_uris or (),
        post_logout_redirect_uris=said.post_logout_redirect_uris or (),
        grant_types=said.grant_types or frozenset({"authorization_code"}),
        scopes=frozenset((said.scope or "").split()),
        only_for=said.only_for,
        name=said.client_name or "App",
        frontchannel_logout_uri=said.frontchannel_logout_uri or "",
        frontchannel_logout_session_required=said.frontchannel_logout_session_required,
    )
