"""The values that describe a revocation.

It must never depend on how a revocation reaches other processes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from gateway.policy.session.session import Fingerprint


@dataclass(frozen=True, slots=True)
class Moved:
    """The end of a redemption: connections that it spared (``Revocation.spared_for``) are moved to the new session, or cut.

    ``fingerprints``: the old session's cookies. ``user_id``: the user of the new session, or "" if there is none or it is not known.
    ``browser``: the key of the browser's record, which holds the new cookies.
    """

    fingerprints: tuple[Fingerprint, ...]
    user_id: str
    browser: str


@dataclass(frozen=True, slots=True)
class Rotation:
    """Okta replaced cookies: it set ``news`` in the answer to a request with ``olds``, so all of them belong to one browser.

    ``user_id``: the user that Okta named for ``olds``; None: none. ``unseen``: the cookies of ``olds`` for which Okta never named a user.
    """

    olds: tuple[Fingerprint, ...]
    news: tuple[Fingerprint, ...]
    user_id: str | None = None
    unseen: tuple[Fingerprint, ...] = ()


@dataclass(frozen=True, slots=True)
class Revocation:
    """A message to all processes: these cookies and this session are revoked, and older answers about this user no longer count.

    For a user, each process notes by its own monotonic clock when the message arrived, less the age of the message. Questions about the
    user that were asked earlier are then asked again. The clocks of two machines are never compared.

    ``session_mark``: a keyed hash of Okta's session id (``Fingerprinter.of_session``). An older release published the id itself, so a
    look-up checks both.

    ``unseen``: the cookies for which Okta never named a user. Anybody can make them up. They are stored separately, so that any number of
    them cannot push out real revocations.

    ``spared_for``: the key of the record of a browser that is redeeming a token. The open connections of this browser are not cut yet;
    ``moved`` decides about them later. All other connections with these cookies are cut.

    ``held``: cookies whose user is not known yet. They are not revoked, but they are not accepted until they are ``released``.

    ``rotation``: no revocation; it tells every process which cookies belong to one browser.

    ``began_before``: sessions of this user, or of everybody, that Okta created before this Unix second (by Okta's clock) are revoked. Okta
    is asked again about sessions whose creation time is not known.

    ``everybody``: all answers and passes from before this moment are invalid, for all users.

    ``doubted``: cookies that Okta has just deleted in a browser. They are not revoked, but Okta is asked again about them.

    ``forgotten``: a memory of revocations was full and dropped those from before this moment. Passes from before it go through a hand-off.
    """

    fingerprints: tuple[Fingerprint, ...] = ()
    session_mark: str | None = None
    user_id: str | None = None
    unseen: tuple[Fingerprint, ...] = ()
    held: tuple[Fingerprint, ...] = ()
    released: tuple[Fingerprint, ...] = ()
    spared_for: str = ""
    moved: Moved | None = None
    rotation: Rotation | None = None
    everybody: bool = False
    forgotten: bool = False
    began_before: float | None = None
    doubted: tuple[Fingerprint, ...] = ()


class Remembered(NamedTuple):
    """A revocation, and how many seconds ago it was published.

    It is an age and not a time, because the clocks of two machines must not be compared.
    """

    revocation: Revocation
    age_seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """A message from outside, such as an event of Okta, that may arrive twice. It takes effect in one step, and only once.

    ``kind`` and ``key`` identify the message; a repetition within ``seconds`` is ignored. ``marks``: keys of the same kind that are stored
    without a value for ``mark_seconds``.
    """

    kind: str
    key: bytes
    seconds: float
    revocations: tuple[Revocation, ...] = ()
    marks: tuple[bytes, ...] = ()
    mark_seconds: float = 0.0


Listener = Callable[[Revocation], None]
Unsubscribe = Callable[[], None]
