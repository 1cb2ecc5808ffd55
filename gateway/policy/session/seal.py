"""The encryption of cookies and records (the *seal*): AES-256-GCM, with one key per purpose, bound to the purpose and to the host.

A list of secret keys (the *ring*, newest first) allows a change of keys. It must never open two different texts for one value, say why a
text did not open, or open a value for another purpose or host. Sources: RFC 5869 (HKDF); NIST SP 800-38D.

    text = base64url without padding ( key id, 4 bytes | nonce, 12 bytes | ciphertext and tag )
"""

import base64
import binascii
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

Purpose = Literal["pass", "start", "ticket", "pending", "confirm", "signed-out", "record", "bounce", "front-switch", "form-place", "form"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)

KEY_BYTES = 32
_ID_BYTES, _NONCE_BYTES, _TAG_BYTES = 4, 12, 16
# Characters of the other base64 alphabet and padding become "!", which strict decoding refuses: each value has one text only.
_TO_BASE64 = bytes.maketrans(b"-_+/=", b"+/!!!")
# The last character of a text of length 4n+2 (4n+3) carries four (two) unused bits, which must be zero.
_LAST_CHARACTERS = {0: None, 2: frozenset(b"AQgw"), 3: frozenset(b"AEIMQUYcgkosw048")}


@dataclass(frozen=True, slots=True)
class Opened:
    """The content of a sealed text. ``stale``: it was sealed under an older key, so seal it again when it is next set."""

    payload: bytes = field(repr=False)
    stale: bool


class Sealer:
    """Seals with the newest key, and opens with every key of the ring. The ring never changes; for other keys make a new ``Sealer``.

    Nonces are random. By SP 800-38D one key may then seal 2^32 values of one purpose, more than browsers will ever need.
    """

    __slots__ = ("_random", "_ring")

    def __init__(self, keys: Sequence[bytes], random: Callable[[int], bytes]) -> None:
        """``keys``: 32 secret bytes each, newest first, at least one; ``random(n)``: n unpredictable bytes."""
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise ValueError(f"every seal key has {KEY_BYTES} bytes, and there is at least one")
        self._random = random
        self._ring = tuple((_key_id(key), {purpose: _cipher(key, purpose) for purpose in PURPOSES}) for key in keys)

    def seal(self, purpose: Purpose, host: str, payload: bytes) -> str:
        """The sealed payload as text. It opens only for this purpose and host, and is safe in cookies, query strings and forms."""
        key_id, ciphers = self._ring[0]
        nonce = self._random(_NONCE_BYTES)
        sealed = key_id + nonce + ciphers[purpose].encrypt(nonce, payload, _bound_to(purpose, host))
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")

    def open(self, purpose: Purpose, host: str, text: str | bytes) -> Opened | None:
        """The payload that was given to ``seal``; None if this gateway did not seal exactly this text for this purpose and host."""
        sealed = _decoded(text)
        if sealed is None or len(sealed) < _ID_BYTES + _NONCE_BYTES + _TAG_BYTES:
            return None
        bound_to = _bound_to(purpose, host)
        for age, (key_id, ciphers) in enumerate(self._ring):
            if key_id != sealed[:_ID_BYTES]:
                continue
            nonce, rest = sealed[_ID_BYTES : _ID_BYTES + _NONCE_BYTES], sealed[_ID_BYTES + _NONCE_BYTES :]
            try:
                return Opened(ciphers[purpose].decrypt(nonce, rest, bound_to), stale=age > 0)
            except InvalidTag:
                continue  # two keys of a ring may share an id
        return None


def _key_id(key: bytes) -> bytes:
    return hmac.digest(key, b"gateway seal: key id", "sha256")[:_ID_BYTES]


def _cipher(key: bytes, purpose: Purpose) -> AESGCM:
    info = b"gateway seal: " + purpose.encode()
    return AESGCM(HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(key))


def _bound_to(purpose: Purpose, host: str) -> bytes:
    return f"{purpose}\0{host}".encode("utf-8", "surrogatepass")


def _decoded(text: str | bytes) -> bytes | None:
    try:
        raw = text.encode("ascii") if isinstance(text, str) else text
        last = _LAST_CHARACTERS[len(raw) % 4]
        if last is not None and raw[-1] not in last:
            return None
        return binascii.a2b_base64(raw.translate(_TO_BASE64) + b"=" * (-len(raw) % 4), strict_mode=True)
    except (KeyError, ValueError):
        return None
