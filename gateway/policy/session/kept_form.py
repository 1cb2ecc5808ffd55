"""A form whose sender's session has ended: whether the browser keeps it, for whom, and how it travels.

::

    POST, no session ── form_or_frame ──▶ Keep  ── 307 ──▶ /.gateway/form?kept=<FormPlace>: the browser posts the same body there
                          │    │                             └── a page that holds <KeptForm>, sealed; POSTed to the app's address again
                          │    └──▶ Lose: a page that says why
                          └──▶ Framed: a page that fits a frame

Whose form it is, is sealed at the first step. So a reload, or a step back in the history, by the next user of the browser makes the page of
the same owner again, and never sends the form.

Owns these decisions, and the form of both notes. Must never keep a form that another site posted: sending it again would make a stranger's
form ours. Sources: Fetch Metadata, RFC 6454 (Origin), HTML standard (enctype).
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Final, Literal

from gateway.policy.http.messages import RequestHead
from gateway.policy.routing.navigation import RequestKind, is_document, is_same_origin_post, kind_of, own_target
from gateway.policy.session.sealed_notes import NUMBER, TEXT, Note

LARGEST_FORM_BYTES: Final = 256 * 1024
KEPT_SECONDS: Final = 12 * 3600.0
FIELD: Final = b"gateway-form="
"""Before the sealed form in the body that its page sends (text/plain, so that nothing of it is encoded once more)."""
LARGEST_SENT_BYTES: Final = LARGEST_FORM_BYTES * 4 // 3 + 16 * 1024
"""Of such a body: base64, and the note with its address."""
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
    """A page in a frame, whose user must sign in somewhere else: sign-in pages cannot be framed."""


@dataclass(frozen=True, slots=True)
class FormPlace(Note):
    """What stands in the address of a kept form's page: the form's id, its owner's mark, where it goes, when it was first sent."""

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
    """A form as it was sent. ``id``: of which one is sent once; ``owner``: a mark of whoever may send it; Unix seconds."""

    id: str
    owner: str
    target: str
    content_type: str
    expires_at: float
    body: bytes

    def renamed(self, name: str) -> "KeptForm":
        """The same under another id: its first one is spent, and it was not sent after all."""
        return replace(self, id=name)

    def packed(self) -> bytes:
        """The form as bytes for the sealer: the length of the note, the note, the body."""
        note = _FormNote(self.id, self.owner, self.target, self.content_type, self.expires_at).packed()
        return b"%d:%b%b" % (len(note), note, self.body)

    @classmethod
    def unpacked(cls, payload: bytes) -> "KeptForm | None":
        """The form that ``packed`` made these bytes of; None for any others."""
        length, _, rest = payload.partition(b":")
        size = int(length) if length.isdigit() and len(length) <= 6 else 0
        note = _FormNote.unpacked(rest[:size]) if 0 < size <= len(rest) else None
        return None if note is None else cls(note.id, note.owner, note.target, note.content_type, note.expires_at, rest[size:])


def form_or_frame(head: RequestHead, origin: str, length: int | None) -> Keep | Lose | Framed | None:
    """What a request without a session is; None for everything that is neither, which is told in the usual way.

    ``origin``: of the app; ``length``: of the body, None where unknown. Whose form it is, is asked afterwards ("unknown_owner").
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
    """Whether the body may be that of a kept form's page: it is looked at then."""
    said = head.named.get(b"content-type")
    if not isinstance(said, bytes) or said[: len(_PLAIN)].lower() != _PLAIN:  # nearly all bodies are of another type
        return False
    return head.method == "POST" and media_type(head) == _PLAIN and is_document(head)


def media_type(head: RequestHead) -> bytes:
    """The media type of the body in lower case, without parameters; empty where the request names none, or two."""
    said = head.named.get(b"content-type")
    return said.partition(b";")[0].strip(b" \t").lower() if isinstance(said, bytes) else b""
