"""What the supervisor and a worker say to each other, as values.

::

    worker                                            supervisor
      Hello ───────────────────────────────────────────▶  the program's version: two versions do not understand each other
                  ◀─────────────────────────── Memory …   every revocation so far, in pieces
                  ◀───────────────────────────── Complete  that was all
      Heard ───────────────────────────────────────────▶  from now on a revocation counts as told when this worker has heard it
                  ◀──────────────────────────────── Begin  so it may listen
      Listening ───────────────────────────────────────▶  it serves
      Publish ─────────────────────────────────────────▶  (another worker: Revoked ─▶ ◀─ Heard)
                  ◀──────────────────────────── Published  it holds in every worker
                  ◀────────────────────────────────── Ask  its metrics, or whether it is ready
      Told ────────────────────────────────────────────▶
                  ◀─────────────────────────────── Reload  read certificates again
                  ◀───────────────────────────────── Stop  drain and end
                  ◀──────────────────────────────── Alone  to the keeper: no other worker needs it any more
      Farewell ────────────────────────────────────────▶  its last metrics

Owns the vocabulary. Must never hold a cookie or a token, only fingerprints and Okta's ids. Rules from: DESIGN section 7.
"""

from dataclasses import dataclass
from typing import Literal

from gateway.revocations import Remembered, Revocation

What = Literal["metrics", "readiness"]


class BadMessage(Exception):
    """The other end said what cannot be understood; it is not to be trusted any further."""


@dataclass(frozen=True, slots=True)
class Hello:
    """A worker has begun."""

    version: str


@dataclass(frozen=True, slots=True)
class Memory:
    """A piece of what is remembered of revocations."""

    entries: tuple[Remembered, ...]


@dataclass(frozen=True, slots=True)
class Complete:
    """The last piece was sent; answered by ``Heard`` with this number."""

    number: int


@dataclass(frozen=True, slots=True)
class Heard:
    """What came with this number is in force here."""

    number: int


@dataclass(frozen=True, slots=True)
class Begin:
    """The worker may listen: what is revoked from here on, others wait for it to hear."""


@dataclass(frozen=True, slots=True)
class Listening:
    """The worker serves."""


@dataclass(frozen=True, slots=True)
class Publish:
    """A worker revokes; answered by ``Published`` with this number."""

    number: int
    revocation: Revocation


@dataclass(frozen=True, slots=True)
class Published:
    """The revocation with this number holds in every worker."""

    number: int


@dataclass(frozen=True, slots=True)
class Revoked:
    """Another worker revokes; answered by ``Heard`` with this number."""

    number: int
    revocation: Revocation


@dataclass(frozen=True, slots=True)
class Ask:
    """Answered by ``Told`` with this number: the metrics as Prometheus reads them, or what keeps the worker from being ready, as JSON."""

    number: int
    what: What


@dataclass(frozen=True, slots=True)
class Told:
    """The answer to ``Ask``."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Reload:
    """Read again what may change while it runs."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Drain, and end."""


@dataclass(frozen=True, slots=True)
class Alone:
    """The other workers have ended."""


@dataclass(frozen=True, slots=True)
class Farewell:
    """The worker has drained and ends: its metrics, as Prometheus reads them."""

    text: str


FromWorker = Hello | Heard | Listening | Publish | Told | Farewell
FromSupervisor = Memory | Complete | Begin | Published | Revoked | Ask | Reload | Stop | Alone
Message = FromWorker | FromSupervisor
