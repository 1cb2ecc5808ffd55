"""The stamp that the gateway puts before the value of an app's cookie. It says which user the cookie was given to.

    NAME=~gw~ | MAC, 12 | scope, 4 | mark of the user, 12 | the app's own bytes

The numbers are characters. The *mark* is a keyed fingerprint of the user's id, different on every host: a cookie must never contain the id
itself. The *scope* is the cookie's path and domain (``cookie_scopes``). The MAC covers the cookie's name, the scope, the mark and the app's
bytes. So a stamp is valid for one user, one name and one value, and only where the browser sends the cookie by itself.

The keys are derived from the seal keys: the newest one makes stamps, all of them verify. The MAC key is that of the host, or of the
``Domain`` that the cookie was set for, which several apps may share. A mark and a MAC have 72 bits each: an attacker has to guess them with
one request per try.
"""

from binascii import b2a_base64
from collections.abc import Sequence
from hashlib import blake2b
from hmac import compare_digest, digest
from typing import Final, NamedTuple

from gateway.memo import BoundedDict, RecentCache
from gateway.policy.http.cookie_scopes import SCOPE_BYTES, Scope, domain_of, scope_read

MARK: Final = b"~gw~"
_DIGEST_BYTES: Final = 9
_TEXT_BYTES: Final = 12
_MAC_AT: Final = len(MARK)
_SCOPE_AT: Final = _MAC_AT + _TEXT_BYTES
_USER_AT: Final = _SCOPE_AT + SCOPE_BYTES
STAMP_BYTES: Final = _USER_AT + _TEXT_BYTES
MOST_USERS: Final = 2048
MOST_KNOWN: Final = 8
LONGEST_KNOWN: Final = 512
LONGEST_PASS: Final = 4096
"""The limits for verified cookies that are remembered per user: ``MOST_KNOWN`` of them; an app's cookie up to ``LONGEST_KNOWN`` bytes, the
gateway's own up to ``LONGEST_PASS`` bytes. An app's session cookie is the same in many requests.
"""

NOBODY: Final = ""
"""The user of a request without a session."""


class Stamped(NamedTuple):
    """A cookie with a valid stamp: the app's own bytes, its scope, and whether it was given to this user, or to a request without a
    session.
    """

    own: bytes
    scope: Scope
    is_users: bool
    is_nobodys: bool


class Realm(NamedTuple):
    """The keys of one host or domain, the newest first: prepared MACs, which are copied for each use, and keys for marks of users."""

    macs: tuple[blake2b, ...]
    mark_keys: tuple[bytes, ...]


class Stamps:
    """The stamps of one app's host."""

    __slots__ = ("_keys", "_realms", "_users", "host", "nobody")

    def __init__(self, seal_keys: Sequence[bytes], host: bytes) -> None:
        """``seal_keys``: secret, the newest first, at least one. ``host``: in lower case, without a port.

        ``nobody``: the stamps for requests without a session.
        """
        self.host = host
        self.nobody = UserStamps(self, NOBODY)
        self._keys = tuple(digest(key, b"session-gateway app sessions", "sha256") for key in seal_keys)
        self._realms: dict[int, Realm | None] = {}
        self._users: RecentCache[str, UserStamps] = RecentCache(MOST_USERS)

    def of(self, user_id: str) -> "UserStamps":
        """The stamps of one user. The same object as before, while it is still cached."""
        if user_id == NOBODY:
            return self.nobody
        found = self._users.get(user_id)
        if found is None:
            found = UserStamps(self, user_id)
            self._users.keep(user_id, found)
        return found

    def realm(self, labels: int) -> Realm | None:
        """The keys for a ``Domain`` with so many labels, 0 for the host alone; None if the host has fewer labels."""
        if labels not in self._realms:
            domain = domain_of(self.host, labels)
            self._realms[labels] = None if domain is None else self._made(b"." + domain if domain else self.host)
        return self._realms[labels]

    def _made(self, place: bytes) -> Realm:
        derived = [blake2b(place, key=key, digest_size=64).digest() for key in self._keys]
        macs = tuple(blake2b(key=key[:32], digest_size=_DIGEST_BYTES) for key in derived)
        return Realm(macs, tuple(key[32:] for key in derived))


class UserStamps:
    """The stamps of one user at one host."""

    __slots__ = ("_marks", "_stamps", "_user_id", "known")

    def __init__(self, stamps: Stamps, user_id: str) -> None:
        """``user_id``: Okta's id, or ``NOBODY``. ``known``: cookies that were verified for this user, and what the app gets for each."""
        self._stamps = stamps
        self._user_id = user_id
        self._marks: dict[int, tuple[bytes, ...]] = {}
        self.known: BoundedDict[bytes, bytes] = BoundedDict(MOST_KNOWN)

    def stamp(self, name: bytes, value: bytes, scope: Scope) -> bytes:
        """The stamp for this cookie, to put before its value. A scope with more labels than the host has counts as the host alone."""
        realm = self._stamps.realm(scope.labels)
        if realm is None:
            return self.stamp(name, value, scope._replace(labels=0))
        head = scope.text + self.marks(scope.labels, realm)[0]
        return MARK + _mac(realm.macs[0], name, head + value) + head

    def note(self, piece: bytes, own: bytes) -> None:
        """Remember a cookie that ``read`` verified for this user. ``piece``: its name and value, without blanks before it.

        ``own``: what the app gets; empty for the gateway's own cookies, which no app gets.
        """
        if len(piece) <= (LONGEST_KNOWN if own else LONGEST_PASS):
            self.known.store(piece, own)

    def read(self, name: bytes, value: bytes) -> Stamped | None:
        """The content of a cookie whose value begins with ``MARK``; None without a valid stamp for this name, these bytes and this host."""
        scope = scope_read[value[_SCOPE_AT:_USER_AT]]
        realm = self._stamps.realm(scope.labels) if scope is not None else None
        if scope is None or realm is None:
            return None
        # Every seal key is tried, so that old stamps stay valid when the operator changes the key.
        for begun, its_user in zip(realm.macs, self.marks(scope.labels, realm), strict=True):
            if compare_digest(_mac(begun, name, value[_SCOPE_AT:]), value[_MAC_AT:_SCOPE_AT]):
                is_users = compare_digest(value[_USER_AT:STAMP_BYTES], its_user)
                is_nobodys = value[_USER_AT:STAMP_BYTES] in self._stamps.nobody.marks(scope.labels, realm)
                return Stamped(value[STAMP_BYTES:], scope, is_users, is_nobodys)
        return None

    def marks(self, labels: int, realm: Realm) -> tuple[bytes, ...]:
        """The marks of this user for a realm, one for each of its keys."""
        found = self._marks.get(labels)
        if found is None:
            user = self._user_id.encode("utf-8", "surrogatepass")
            found = self._marks[labels] = tuple(_text(blake2b(user, key=key, digest_size=_DIGEST_BYTES)) for key in realm.mark_keys)
        return found


def _mac(begun: blake2b, name: bytes, rest: bytes) -> bytes:
    """The MAC as text. A name contains no ``=``, and the part before the app's bytes has a fixed length, so two cookies never give the same
    input.
    """
    hashed = begun.copy()
    hashed.update(name + b"=" + rest)
    return _text(hashed)


def _text(hashed: blake2b) -> bytes:
    return b2a_base64(hashed.digest(), newline=False)
