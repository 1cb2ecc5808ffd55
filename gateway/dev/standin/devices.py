"""Devices without a browser that wait until a user confirms them in a browser.

Owns: the state of each device code, and how often a device may ask for its tokens.
Must never: decide who the user is (device_pages.py does).
Rules: RFC 8628 §3.2 and §3.5; Okta's guide "Configure Device Authorization Grant Flow" (the shapes of both codes, ten minutes, five
seconds between two questions).

    asked ──▶ [waits] ── the user confirms ──▶ [confirmed] ── token endpoint ──▶ gone
                 ├── the user refuses ───────▶ [refused]
                 └── ten minutes ────────────▶ [too old]
"""

import secrets
import uuid
from dataclasses import dataclass
from typing import Literal

from gateway.dev.standin.clock import Clock
from gateway.dev.standin.grants import Grant
from gateway.dev.standin.tokens import Tokens

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
DEVICE_SECONDS = 600.0
INTERVAL_SECONDS = 5.0
_REMEMBERED_SECONDS = 3600.0
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
_LENGTH = 8

Step = Literal["waits", "too soon", "refused", "too old"]


@dataclass(slots=True)
class Device:
    """One device. `grant` is the grant of its tokens, once a user has confirmed the device."""

    client_id: str
    scope: str
    issuer: str
    asked_at: float
    interval_seconds: float = INTERVAL_SECONDS
    polled_at: float | None = None
    is_refused: bool = False
    grant: Grant | None = None


class Devices:
    """All waiting devices, by device code and by the code that the user types."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # Kept longer than a code is valid, so that the device can be told that its code is too old.
        self._devices = Tokens[Device](clock, "", _REMEMBERED_SECONDS)
        self._user_codes = Tokens[str](clock, "", DEVICE_SECONDS)

    def ask(self, client_id: str, scope: str, issuer: str) -> tuple[str, str]:
        """Add a device that waits; return its device code, and the code for its user."""
        device_code, user_code = str(uuid.uuid4()), "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
        self._devices.adopt(device_code, Device(client_id, scope, issuer, self._clock.now()))
        self._user_codes.adopt(user_code, device_code)
        return device_code, user_code

    def of_user_code(self, user_code: str) -> Device | None:
        """Return the waiting device of this user code, typed in any case and with any dashes; None if there is none."""
        device_code = self._user_codes.meaning(user_code.strip().replace("-", "").upper())
        device = self._devices.meaning(device_code) if device_code is not None else None
        return device if device is not None and device.grant is None and not device.is_refused else None

    def of_device_code(self, device_code: str) -> Device | None:
        """Return the device with this code, too old or not; None for a code that is unknown or was used."""
        return self._devices.meaning(device_code)

    def poll(self, device: Device) -> Step | Grant:
        """Return the grant of the device's tokens, or why it gets none yet. A device that asks too soon must wait five seconds more."""
        now, before = self._clock.now(), device.polled_at
        device.polled_at = now
        if device.is_refused:
            return "refused"
        if now - device.asked_at >= DEVICE_SECONDS:
            return "too old"
        if device.grant is not None:
            return device.grant
        if before is not None and now - before < device.interval_seconds:
            device.interval_seconds += INTERVAL_SECONDS
            return "too soon"
        return "waits"

    def end(self, device_code: str) -> None:
        """Forget a device that got its tokens."""
        self._devices.spend(device_code)
