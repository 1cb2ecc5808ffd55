"""The values behind codes and tokens of OpenID Connect: for whom, for which client, with which scopes.

Owns: the value behind a code, an access token and a refresh token.
Must never: hold a session, because a grant outlives the session in which it was made.
"""

from dataclasses import dataclass

from gateway.dev.standin.users import User


@dataclass(frozen=True, slots=True)
class Grant:
    """The value behind an authorization code or a token. `user` is None for a client that acts for itself.

    `sid` names the session to a client that wants to know when it ends. `family` is the same in all tokens of one authorization.
    """

    user: User | None
    client_id: str
    redirect_uri: str
    scope: str
    issuer: str
    nonce: str | None
    code_challenge: str | None
    authenticated_at: float
    family: str
    amr: tuple[str, ...] = ("pwd",)
    acr: str | None = None
    sid: str | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """An authorization request that waits for a sign-in: its parameters, and when it was made."""

    parameters: tuple[tuple[str, str], ...]
    asked_at: float
