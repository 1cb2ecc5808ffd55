"""The state of each user's account: locks, expired passwords, factors.

Owns: each user's status, password, wrong attempts and factors.
Must never: open a session, or issue a token.
Rules: Okta's Authentication API (factor objects, `LOCKED_OUT`, `PASSWORD_EXPIRED`), RFC 6238 (TOTP: SHA-1, six digits, 30 seconds); Okta
takes the code of the step before and after too, each code once, and locks an account after ten wrong attempts.
"""

import base64
import hashlib
import hmac
import secrets
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from gateway.dev.standin.clock import Clock
from gateway.dev.standin.users import User

Status = Literal["ACTIVE", "LOCKED_OUT", "PASSWORD_EXPIRED"]
FactorKind = Literal["totp", "push"]
FactorResult = Literal["WAITING", "SUCCESS", "REJECTED", "TIMEOUT"]
TYPES: Mapping[str, str] = MappingProxyType({"totp": "token:software:totp", "push": "push"})
MOST_WRONG = 10
STEP_SECONDS = 30.0
PUSH_SECONDS = 300.0


@dataclass(slots=True)
class Factor:
    """One factor of a user. `result` and `asked_at` belong to the last push."""

    kind: FactorKind
    id: str = field(default_factory=lambda: "opf" + secrets.token_hex(8) + "0")
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(20), repr=False)
    result: FactorResult | None = None
    asked_at: float = 0.0
    used_step: int = -1

    @property
    def shared_secret(self) -> str:
        """The secret in base32, as authenticator apps need it."""
        return base64.b32encode(self.secret).decode().rstrip("=")

    def code(self, at: float) -> str:
        """Return the six digits for this time."""
        return _code(self.secret, int(at // STEP_SECONDS))

    def accepts(self, code: str, at: float) -> bool:
        """Return whether this code is valid now (or one step before or after) and was not used. From now on it counts as used."""
        step = int(at // STEP_SECONDS)
        for each in (step - 1, step, step + 1):
            if each > self.used_step and hmac.compare_digest(_code(self.secret, each).encode(), code.encode()):
                self.used_step = each
                return True
        return False

    def ask(self, at: float) -> None:
        """Send a push."""
        self.result, self.asked_at = "WAITING", at

    def answer_now(self, at: float) -> FactorResult | None:
        """Return the result of the push. After five minutes without an answer it has timed out."""
        if self.result == "WAITING" and at - self.asked_at > PUSH_SECONDS:
            self.result = "TIMEOUT"
        return self.result


def _code(secret: bytes, step: int) -> str:
    digest = hmac.new(secret, struct.pack(">Q", max(0, step)), hashlib.sha1).digest()
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


@dataclass(slots=True)
class Account:
    """The part of a user that changes. `password` is None until it is changed from the password of the `User`.

    `must_enroll`: a sign-in asks for a first factor, as an org does whose policy requires one.
    """

    status: Status = "ACTIVE"
    password: str | None = field(default=None, repr=False)
    factors: list[Factor] = field(default_factory=list)
    wrong_attempts: int = 0
    must_enroll: bool = False

    @property
    def is_locked(self) -> bool:
        """True while the account is locked: no password and no code is accepted."""
        return self.status == "LOCKED_OUT"

    def factor(self, factor_id: str) -> Factor | None:
        """Return the factor with this id."""
        return next((factor for factor in self.factors if factor.id == factor_id), None)

    def failed(self) -> None:
        """Count a wrong password or code. The tenth in a row locks the account."""
        self.wrong_attempts += 1
        if self.wrong_attempts >= MOST_WRONG:
            self.status = "LOCKED_OUT"

    def succeeded(self) -> None:
        """Forget the wrong attempts."""
        self.wrong_attempts = 0


class Accounts:
    """The accounts of all users. Each is made at its first use."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._accounts: dict[str, Account] = {}

    def of(self, user: User) -> Account:
        """Return the account of a user."""
        return self._accounts.setdefault(user.id, Account())

    def has_password(self, user: User, password: str) -> bool:
        """Return whether this is the user's current password. A wrong one is counted. For a locked account the answer is always no."""
        account = self.of(user)
        right = account.password if account.password is not None else user.password
        if account.is_locked:
            return False
        if not hmac.compare_digest(right.encode("utf-8", "surrogatepass"), password.encode("utf-8", "surrogatepass")):
            account.failed()
            return False
        account.succeeded()
        return True

    def enroll(self, user: User, kind: FactorKind) -> Factor:
        """Give a user one more factor. From now on every sign-in asks for it."""
        factor = Factor(kind)
        self.of(user).factors.append(factor)
        return factor

    def answer_push(self, user: User, result: FactorResult) -> None:
        """Answer all pushes that wait on the user's phone."""
        for factor in self.of(user).factors:
            if factor.answer_now(self._clock.now()) == "WAITING":
                factor.result = result
