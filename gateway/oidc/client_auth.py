"""Client authentication: how the gateway proves to the token endpoint that it is the registered client.

There are two methods: a signed assertion (``private_key_jwt``), and a client secret (``client_secret_basic``). It must never write a secret
into a form, an address or a log. Sources: RFC 7523 §3 with OpenID Connect Core §9; RFC 6749 §2.3.1.
"""

import base64
import json
import secrets
from collections.abc import Mapping
from typing import Final, Protocol
from urllib.parse import quote_plus

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from gateway.policy.http.messages import Fields

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS: Final = 120
LEAST_RSA_BITS: Final = 2048


class ClientProof(Protocol):
    """One method of client authentication."""

    def fields(self) -> Fields:
        """The header fields of this method."""

    def form(self, endpoint: str, wall: float) -> Mapping[str, str]:
        """The form parameters of this method. ``endpoint``: the address of the request. ``wall``: Unix seconds."""


class ClientSecret:
    """The method ``client_secret_basic``."""

    def __init__(self, client_id: str, secret: str) -> None:
        """Both values are as Okta's admin page of the app shows them."""
        pair = f"{quote_plus(client_id)}:{quote_plus(secret)}".encode("ascii")
        self._field = (b"Authorization", b"Basic " + base64.b64encode(pair))

    def fields(self) -> Fields:
        """The ``Authorization`` field with client id and secret."""
        return (self._field,)

    def form(self, endpoint: str, wall: float) -> Mapping[str, str]:
        """No form parameters."""
        return {}


class ClientKey:
    """The method ``private_key_jwt``."""

    def __init__(self, client_id: str, pem: str) -> None:
        """``pem``: a private key, RSA with at least 2048 bits or EC P-256. Raises ValueError for any other text."""
        self._client_id = client_id
        self._key, self._algorithm = _key_of(pem)

    @property
    def public_jwk(self) -> Mapping[str, object]:
        """The public key as a JWK, for Okta's admin page of the app."""
        return {**self._key.as_dict(private=False), "kid": self._key.thumbprint(), "use": "sig", "alg": self._algorithm}

    @property
    def public_text(self) -> str:
        """The public JWK as one line of JSON."""
        return json.dumps(self.public_jwk, separators=(",", ":"), sort_keys=True)

    def fields(self) -> Fields:
        """No header fields."""
        return ()

    def form(self, endpoint: str, wall: float) -> Mapping[str, str]:
        """A new assertion for one use, valid for two minutes."""
        now = int(wall)
        claims = {
            "iss": self._client_id,
            "sub": self._client_id,
            "aud": endpoint,
            "iat": now,
            "exp": now + ASSERTION_SECONDS,
            "jti": secrets.token_urlsafe(16),
        }
        header = {"alg": self._algorithm, "kid": self._key.thumbprint()}
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": jwt.encode(header, claims, self._key)}


def _key_of(pem: str) -> tuple[RSAKey | ECKey, str]:
    try:
        key = load_pem_private_key(pem.encode("ascii"), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("holds no private key in PEM form, or one with a passphrase") from error
    if isinstance(key, RSAPrivateKey) and key.key_size >= LEAST_RSA_BITS:
        return RSAKey.import_key(pem), "RS256"
    if isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1):
        return ECKey.import_key(pem), "ES256"
    raise ValueError(f"holds a private key that is neither RSA of {LEAST_RSA_BITS} bits at least nor EC P-256")
