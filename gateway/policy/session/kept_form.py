"""The rules for keeping a form whose sender's session has ended, until the user has signed in again.

::

    POST, no session ── form_or_frame ──▶ Keep  ── 307 ──▶ /.gateway/form?kept=<FormPlace>: the browser posts the same body there
                          │    │                             └── a page that holds <KeptForm>, sealed; POSTed to the app's address again
                          │    └──▶ Lose: a page that says why
                          └──▶ Framed: a page that fits a frame

The first step seals the owner of the form into the address. If the next user of the browser reloads that address or steps back in the
history, the page is again made for the first owner, and the form is not sent.

This module owns these decisions and the layout of both sealed values. It must never keep a form that another site posted, because sending
it again would make it look like a form of the app's own page. Sources: Fetch Metadata, RFC 6454 (Origin), HTML standard (enctype).
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Final, Literal

from gateway.policy.http.messages import RequestHead
from gateway.policy.routing.navigation import RequestKind, is_document, is_same_origin_post, kind_of, own_target
from gateway.policy.session.sealed_notes import NUMBER, TEXT, Note

LARGEST_FORM_BYTES: Final = 256 * 1024
KEPT_SECONDS: Final = 12 * 3600.0
FIELD: Final = b"gateway-form="
"""The prefix of the sealed form in the body that the page posts. The body is text/plain, so the browser does not encode it again."""
LARGEST_SENT_BYTES: Final = LARGEST_FORM_BYTES * 4 // 3 + 16 * 1024
"""The largest body that the page posts: the form in base64, and the note with its address."""
_URLENCODED: Final = b"application/x-www-form-urlencoded"
_PLAIN: Final = b"text/plain"

Reason = Literal["other_site", "not_urlencoded", "too_large", "address"]


@dataclass(frozen=True, slots=True)
class Keep:
    """The browser may keep this form."""


@dataclass(frozen=True, slots=True)
class Lose:
    """The form cannot be kept; ``reason`` is for the page and the log."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Framed:
    """The request is for a frame. Sign-in pages cannot be framed, so the user must sign in outside the frame."""


@dataclass(frozen=True, slots=True)
class FormPlace(Note):
    """The sealed value in the address of a kept form's page: the form's id, its owner's mark, its target, when it was first sent."""

    _kinds: ClassVar = (TEXT, TEXT, TEXT, NUMBER)
    id: str
    owner: str
    target: str
    issued_at: float


@dataclass(frozen=True, slots=True)
class _FormNote(Note):
    """A kept form without its body."""

    _kinds: ClassVar = (TEXT, TEXT, TEXT, TEXT, NUMBER)
    id: str
    owner: str
    target: str
    content_type: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class KeptForm:
    """A form as the browser sent it. ``id``: each id is sent to the app at most once. ``owner``: the mark of the user who may send it.

    ``expires_at``: Unix seconds.
    """

    id: str
    owner: str
    target: str
    content_type: str
    expires_at: float
    body: bytes

    def renamed(self, name: str) -> "KeptForm":
        """The same form under a new id, for the case that the first id was used up but the form was not sent."""
        return replace(self, id=name)

    def packed(self) -> bytes:
        """The form as bytes for the sealer: the length of the note, the note, the body."""
        note = _FormNote(self.id, self.owner, self.target, self.content_type, self.expires_at).packed()
        return b"%d:%b%b" % (len(note), note, self.body)

    @classmethod
    def unpacked(cls, payload: bytes) -> "KeptForm | None":
        """The form in bytes that ``packed`` made; None for any other bytes."""
        length, _, rest = payload.partition(b":")
        size = int(length) if length.isdigit() and len(length) <= 6 else 0
        note = _FormNote.unpacked(rest[:size]) if 0 < size <= len(rest) else None
        return None if note is None else cls(note.id, note.owner, note.target, note.content_type, note.expires_at, rest[size:])


def form_or_frame(head: RequestHead, origin: str, length: int | None) -> Keep | Lose | Framed | None:
    """What to do with a request that has no session; None if it is neither a form nor a frame, and gets the usual answer.

    ``origin``: the app's origin. ``length``: of the body, None: not known. The caller checks the form's owner later ("unknown_owner").
    """
    if not is_document(head) or kind_of(head) is not RequestKind.SCRIPT or head.values(b"x-requested-with"):
        return None
    if head.method != "POST":
        return Framed() if head.method == "GET" else None
    if not is_same_origin_post(head, origin):
        return Lose("other_site")
    if media_type(head) != _URLENCODED:
        return Lose("not_urlencoded")
    if length is not None and length > LARGEST_FORM_BYTES:
        return Lose("too_large")
    return Keep() if own_target(head.target) == head.target else Lose("address")


def may_be_kept(head: RequestHead) -> bool:
    """Whether the body may come from a kept form's page, so that the gateway must look at it."""
    said = head.named.get(b"content-type")
    if not isinstance(said, bytes) or said[: len(_PLAIN)].lower() != _PLAIN:  # nearly all bodies are of another type
        return False
    return head.method == "POST" and media_type(head) == _PLAIN and is_document(head)


def media_type(head: RequestHead) -> bytes:
    """The media type of the body in lower case, without parameters. Empty if the request has no ``Content-Type``, or more than one."""
    said = head.named.get(b"content-type")
    return said.partition(b";")[0].strip(b" \t").lower() if isinstance(said, bytes) else b""
