"""What a revocation is, and what every memory of them promises.

Owns the words. Must never know how a revocation travels.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from gateway.policy.session.session import Fingerprint


@dataclass(frozen=True, slots=True)
class Moved:
    """A redemption took the place of a browser's session. It is over: what it spared is moved to the new session, or cut.

    ``fingerprints``: the old session's cookies. ``user_id``: whose the new session is, or "" where there is none, or Okta did not say.
    ``browser``: the key of the browser's record, which holds the new cookies.
    """

    fingerprints: tuple[Fingerprint, ...]
    user_id: str
    browser: str


@dataclass(frozen=True, slots=True)
class Kin:
    """Okta set the cookies ``news`` in an answer to ``olds``: they are one browser's, and every process adopts them.

    ``user_id``: whom Okta named for ``olds``; None where it named nobody. ``unseen``: those of ``olds`` that it never named anybody for.
    """

    olds: tuple[Fingerprint, ...]
    news: tuple[Fingerprint, ...]
    user_id: str | None = None
    unseen: tuple[Fingerprint, ...] = ()


@dataclass(frozen=True, slots=True)
class Revocation:
    """Never believe these cookies or this session again; and nothing that was asked about this user before now.

    A user is revoked *since* the moment at which a process hears of it, by that process's own monotonic clock: whatever it
    asked earlier is asked again. Clocks of two machines are never compared.

    ``session_mark``: stands for Okta's id of the session (``Fingerprinter.of_session``). A release before published the id itself: whoever
    looks a session up asks for both.

    ``unseen``: those of the cookies that Okta never named anybody for. Anybody can think them up, so they are remembered apart: however
    many come, they push out no other.

    ``spared_for``: a redemption of this browser (the key of its record) revokes them. What this browser has open goes on for a moment,
    until ``moved`` says whether the same user came back. Everything else under these cookies is cut as ever.

    ``held``: cookies of which it is not known whose they are. They are not revoked, and let nobody in until they are ``released``.

    ``kin``: no revocation, but what every process must know to revoke a whole browser.

    ``began_before``: of this user, or of everybody, sessions that Okta created before this Unix second, by Okta's own clock, are revoked;
    those of which it does not say when they began are only asked about again.

    ``everybody``: no answer and no pass from before this moment counts, whosever it is.

    ``doubted``: cookies that Okta has just deleted in a browser. Nobody is revoked; what was asked about them before now is asked again.

    ``forgotten``: a memory of revocations reached its bound, and forgot those from before this moment. Passes from before it go through
    one hand-off.
    """

    fingerprints: tuple[Fingerprint, ...] = ()
    session_mark: str | None = None
    user_id: str | None = None
    unseen: tuple[Fingerprint, ...] = ()
    held: tuple[Fingerprint, ...] = ()
    released: tuple[Fingerprint, ...] = ()
    spared_for: str = ""
    moved: Moved | None = None
    kin: Kin | None = None
    everybody: bool = False
    forgotten: bool = False
    began_before: float | None = None
    doubted: tuple[Fingerprint, ...] = ()


class Remembered(NamedTuple):
    """A revocation on its way to another memory, and how many seconds ago it was published.

    An age, not a time: so nobody has to know whose clock counts from when.
    """

    revocation: Revocation
    age_seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody outside has told, who may tell it twice: all of it takes effect in one step, and once.

    ``kind`` and ``key``: what is told again within ``seconds`` has the same. ``marks``: keys of the same kind that are kept for
    ``mark_seconds``, without a value.
    """

    kind: str
    key: bytes
    seconds: float
    revocations: tuple[Revocation, ...] = ()
    marks: tuple[bytes, ...] = ()
    mark_seconds: float = 0.0


Listener = Callable[[Revocation], None]
Unsubscribe = Callable[[], None]


class Revocations(Protocol):
    """A memory of revocations that this process shares with those that must know too."""

    async def publish(self, revocation: Revocation) -> None:
        """Remember it here before the first wait, then tell the others; returns when they can no longer miss it.

        Raises ``OutsideFailed`` where they could not be told; here it is remembered all the same.
        """

    def has_cookie(self, fingerprints: Iterable[Fingerprint]) -> bool:
        """Whether any of these cookies is revoked."""

    def has_session(self, mark: str) -> bool:
        """Whether the session that this mark stands for is revoked."""

    def is_held(self, fingerprints: Iterable[Fingerprint]) -> bool:
        """Whether it is not known of any of these cookies whose they are."""

    def user_since(self, user_id: str) -> float | None:
        """The monotonic second at which a revocation of this user was last heard of; None where there is none."""

    def everybody_since(self) -> float | None:
        """The monotonic second at which everybody was last revoked; None where that never was."""

    def forgotten_since(self) -> float | None:
        """The monotonic second of the youngest revocation that a bound pushed out; None where none was."""

    @property
    def is_shared(self) -> bool:
        """Whether others may publish without a call of this process: then ``poll`` before anything remembered is believed."""

    def poll(self) -> None:
        """Hear what others have published. Every look-up does that too."""

    def began_before(self, names: Iterable[str]) -> float | None:
        """The Unix second, by Okta's clock, before which the sessions of the user with these names (id, login) are revoked, or None."""

    def known_kin(self) -> tuple[Kin, ...]:
        """The kin that were published before anybody subscribed, oldest first."""

    def subscribe(self, listener: Listener) -> Unsubscribe:
        """Call ``listener`` with every revocation, own and others', right after it is remembered; it must not block or raise."""

    @property
    def forgotten(self) -> int:
        """How many revocations the bound of this memory pushed out before their time."""

    @property
    def ready(self) -> bool:
        """Whether a revocation published now would reach everybody, and none was missed."""
