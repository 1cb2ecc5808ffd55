"""Hypothesis strategies for revocations."""

from hypothesis import strategies as st

from gateway.policy.session.session import Fingerprint
from gateway.revocations import Moved, Revocation, Rotation

TEXTS = st.text(max_size=40)
PRINTS = st.lists(st.binary(min_size=1, max_size=20).map(Fingerprint), max_size=4).map(tuple)
MOVES = st.builds(Moved, PRINTS, TEXTS, TEXTS)
ROTATION = st.builds(Rotation, PRINTS, PRINTS, st.none() | TEXTS, PRINTS)
REVOCATIONS = st.builds(
    Revocation,
    PRINTS,
    st.none() | TEXTS,
    st.none() | TEXTS,
    PRINTS,
    PRINTS,
    PRINTS,
    TEXTS,
    st.none() | MOVES,
    st.none() | ROTATION,
    st.booleans(),
    st.booleans(),
    st.none() | st.floats(0, 1e11),
)
