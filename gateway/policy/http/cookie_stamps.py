"""The stamp in front of an app's cookie value: which user the gateway gave the cookie to.

    NAME=~gw~ | MAC, 12 | scope, 4 | mark of the user, 12 | the app's own bytes

Owns the form of the stamp and its keys, which are made of the ring of seal keys: the newest stamps, each of them reads. The MAC covers the
cookie's name, the scope, the mark and the app's bytes. Its key is that of the host, or of the Domain that the cookie was set for, which
several apps may share. So a stamp counts for one user, one name, one value, and where the browser sends the cookie by itself. Must never
put the id of a user into a cookie: the mark is a keyed fingerprint, and another one on every host.

A mark and a MAC have 72 bits each: they are guessed one request at a time.
"""

from binascii import b2a_base64
from collections.abc import Sequence
from hashlib import blake2b
from hmac import compare_digest, digest
from typing import Final, NamedTuple

from gateway.policy.http.cookie_scopes import SCOPE_BYTES, Scope, domain_of, scope_read
from gateway.policy.learned import Recent

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
"""Of one user so many cookies are remembered, of so many bytes: an app's session cookie is the same in many requests."""

NOBODY: Final = ""
"""The user of a request without a session."""


class Stamped(NamedTuple):
    """A cookie that the gateway has stamped: the app's own bytes, where it belongs, and whether it is this user's, or nobody's."""

    own: bytes
    scope: Scope
    is_users: bool
    is_nobodys: bool


class Realm(NamedTuple):
    """The keys of one host, or of one domain, newest first: for MACs, which are copied and go on from there, and for marks of users."""

    macs: tuple[blake2b, ...]
    mark_keys: tuple[bytes, ...]


class Stamps:
    """The stamps of one app's host."""

    __slots__ = ("_keys", "_realms", "_users", "host", "nobody")

    def __init__(self, seal_keys: Sequence[bytes], host: bytes) -> None:
        """``seal_keys``: secret, newest first, at least one; ``host``: in lower case, without a port. ``nobody``: the stamps of nobody."""
        self.host = host
        self.nobody = UserStamps(self, NOBODY)
        self._keys = tuple(digest(key, b"session-gateway app sessions", "sha256") for key in seal_keys)
        self._realms: dict[int, Realm | None] = {}
        self._users: Recent[str, UserStamps] = Recent(MOST_USERS)

    def of(self, user_id: str) -> "UserStamps":
        """The stamps of one user: the same object again, as long as it is remembered."""
        if user_id == NOBODY:
            return self.nobody
        found = self._users.get(user_id)
        if found is None:
            found = UserStamps(self, user_id)
            self._users.keep(user_id, found)
        return found

    def realm(self, labels: int) -> Realm | None:
        """The keys for a Domain of so many labels, 0 for the host alone; None where the host has not that many."""
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
        """``user_id``: Okta's, or ``NOBODY``. ``known``: cookies that were found to be this user's, and what they are to the app."""
        self._stamps = stamps
        self._user_id = user_id
        self._marks: dict[int, tuple[bytes, ...]] = {}
        self.known: dict[bytes, bytes] = {}

    def stamp(self, name: bytes, value: bytes, scope: Scope) -> bytes:
        """What goes before the value of this cookie. A scope that the host has not is that of the host alone."""
        realm = self._stamps.realm(scope.labels)
        if realm is None:
            return self.stamp(name, value, scope._replace(labels=0))
        head = scope.text + self.marks(scope.labels, realm)[0]
        return MARK + _mac(realm.macs[0], name, head + value) + head

    def note(self, piece: bytes, own: bytes) -> None:
        """Remember what a cookie that ``read`` found to be this user's is to the app. ``piece``: its name and value, without blanks before.

        ``own`` is empty for the gateway's own cookies, which no app gets.
        """
        if len(piece) <= (LONGEST_KNOWN if own else LONGEST_PASS):
            if len(self.known) >= MOST_KNOWN:
                self.known.clear()
            self.known[piece] = own

    def read(self, name: bytes, value: bytes) -> Stamped | None:
        """What a cookie holds that begins with ``MARK``; None where it has no stamp of ours for this name, these bytes and this host."""
        scope = scope_read[value[_SCOPE_AT:_USER_AT]]
        realm = self._stamps.realm(scope.labels) if scope is not None else None
        if scope is None or realm is None:
            return None
        for begun, its_user in zip(realm.macs, self.marks(scope.labels, realm), strict=True):
            if compare_digest(_mac(begun, name, value[_SCOPE_AT:]), value[_MAC_AT:_SCOPE_AT]):
                is_users = compare_digest(value[_USER_AT:STAMP_BYTES], its_user)
                is_nobodys = value[_USER_AT:STAMP_BYTES] in self._stamps.nobody.marks(scope.labels, realm)
                return Stamped(value[STAMP_BYTES:], scope, is_users, is_nobodys)
        return None

    def marks(self, labels: int, realm: Realm) -> tuple[bytes, ...]:
        """The marks of this user in the cookies of a realm, by its keys."""
        found = self._marks.get(labels)
        if found is None:
            user = self._user_id.encode("utf-8", "surrogatepass")
            found = self._marks[labels] = tuple(_text(blake2b(user, key=key, digest_size=_DIGEST_BYTES)) for key in realm.mark_keys)
        return found


def _mac(begun: blake2b, name: bytes, rest: bytes) -> bytes:
    """No name holds ``=``, and what stands before the app's bytes is always as long: no two cookies give the same bytes."""
    hashed = begun.copy()
    hashed.update(name + b"=" + rest)
    return _text(hashed)


def _text(hashed: blake2b) -> bytes:
    return b2a_base64(hashed.digest(), newline=False)
