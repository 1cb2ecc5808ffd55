"""A long note comes back too; a note of another form is none."""

import secrets
from dataclasses import dataclass
from typing import ClassVar

from gateway.policy.session.sealed_notes import NUMBER, TEXT, Note, NoteKind, list_of


@dataclass(frozen=True, slots=True)
class Words(Note):
    _kinds: ClassVar[tuple[NoteKind, ...]] = (list_of(TEXT), NUMBER)
    words: tuple[str, ...]
    number: float


@dataclass(frozen=True, slots=True)
class LaterWords(Words):
    _form: ClassVar[int] = 2


def test_a_long_note_is_packed_in_fewer_bytes_and_comes_back() -> None:
    note = Words(tuple(secrets.token_urlsafe(900) for _ in range(4)), 1.5)
    assert len(note.packed()) < 0.8 * sum(map(len, note.words)) and Words.unpacked(note.packed()) == note


def test_a_note_of_another_form_is_none() -> None:
    assert LaterWords.unpacked(Words(("a",), 1.0).packed()) is None
    assert LaterWords.unpacked(LaterWords(("a",), 1.0).packed()) == LaterWords(("a",), 1.0)


def test_a_squeezed_text_that_is_no_note_is_none() -> None:
    assert Words.unpacked(b"z") is None and Words.unpacked(b"z" + secrets.token_bytes(20)) is None
