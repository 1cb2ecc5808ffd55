"""Long notes become shorter, come back as they were, and their length tells nothing of repeated words."""

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.session.sealed_notes import LARGEST_NOTE_BYTES, SQUEEZED_FROM_BYTES, squeezed, unsqueezed

long_texts = st.text(alphabet="abcdefghijklmnopqrstuvwxyz[]0", min_size=0, max_size=30).map(lambda text: ("[" + text * 100).encode("ascii"))


@given(st.one_of(long_texts, st.binary(min_size=SQUEEZED_FROM_BYTES, max_size=2000).map(lambda octets: b"[" + octets)))
def test_every_text_comes_back_and_is_never_longer(text: bytes) -> None:
    small = squeezed(text)
    assert unsqueezed(small) == text and len(small) <= len(text)


def test_short_texts_stay_as_they_are() -> None:
    assert squeezed(b"[1]") == b"[1]" == unsqueezed(b"[1]")


def test_random_letters_of_base64_take_six_bits_each() -> None:
    text = b"[" + secrets.token_urlsafe(6000).encode("ascii")
    assert len(squeezed(text)) < 0.78 * len(text)


def test_the_length_does_not_tell_that_a_stranger_guessed_a_part_of_the_secret() -> None:
    """The guess and its permutation have the same letters: a code of letters alone cannot tell them apart."""
    secret = secrets.token_urlsafe(2000)
    guess, other = secret[:60], "".join(sorted(secret[:60]))
    lengths = {len(squeezed(f'["{secret}","/{words}"]'.encode("ascii"))) for words in (guess, other)}
    assert len(lengths) == 1


@pytest.mark.parametrize("cut", [1, 2, 100])
def test_what_was_cut_or_went_on_is_refused(cut: int) -> None:
    small = squeezed(b"[" + b"abc" * 1000)
    for odd in (small[:-cut], small + b"x" * cut, b"z", b"z\xff\xff"):
        with pytest.raises(ValueError, match="squeezed"):
            unsqueezed(odd)


def test_what_would_be_larger_than_any_note_is_refused() -> None:
    with pytest.raises(ValueError, match="squeezed"):
        unsqueezed(squeezed(b"[" + b"a" * LARGEST_NOTE_BYTES))
