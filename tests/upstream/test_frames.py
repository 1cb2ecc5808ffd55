"""Frame boundaries are found wherever the bytes are cut, and a message that is too large stops before its frame."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.edge.frames import Frames, close_frame
from tests.harness.websocket import frame

FRAMES = st.builds(
    frame,
    st.sampled_from([0, 1, 125, 126, 127, 65535, 65536]).map(bytes),
    st.sampled_from([0, 1, 2, 9, 10]),
    final=st.booleans(),
    mask=st.sampled_from([b"", b"mask"]),
)


@given(st.lists(FRAMES, max_size=4), st.lists(st.integers(1, 70000), min_size=1, max_size=6), st.integers(0, 3))
def test_a_boundary_is_where_the_frames_end_however_they_are_cut(frames: list[bytes], steps: list[int], extra: int) -> None:
    text = b"".join(frames)
    follower = Frames()
    position = 0
    for number in range(1000):
        if position >= len(text):
            break
        step = steps[number % len(steps)] + extra
        piece = text[position : position + step]
        assert follower.admitted(piece) == len(piece)
        position += len(piece)
        ends = {sum(map(len, frames[: count + 1])) for count in range(len(frames))}
        assert follower.at_boundary == (position in ends)
    assert follower.at_boundary or position < len(text)


def test_a_close_frame_is_noticed_once_its_head_is_there() -> None:
    follower = Frames()
    assert follower.admitted(close_frame(1000)[:1]) == 1
    assert not follower.closed
    assert follower.admitted(close_frame(1000)[1:]) == 3
    assert follower.closed
    assert follower.at_boundary


@pytest.mark.parametrize(
    ("frames", "passed"),
    [
        ([frame(bytes(10))], 1),
        ([frame(bytes(11))], 0),
        ([frame(bytes(6), final=False), frame(bytes(4), 0)], 2),
        ([frame(bytes(6), final=False), frame(bytes(5), 0)], 1),
        ([frame(bytes(6), final=False), frame(bytes(100), 9), frame(bytes(4), 0)], 3),
        ([frame(bytes(10)), frame(bytes(10)), frame(bytes(11))], 2),
        ([frame(b"", final=False), frame(bytes(2**16), 0, mask=b"mask")], 1),
    ],
)
def test_a_message_is_bounded_over_all_its_fragments(frames: list[bytes], passed: int) -> None:
    text = b"".join(frames)
    follower = Frames(10)
    assert follower.admitted(text) == sum(map(len, frames[:passed]))
    assert follower.at_boundary


def test_half_a_head_that_went_by_leaves_no_boundary_when_the_frame_is_refused() -> None:
    text = frame(bytes(11))
    follower = Frames(10)
    assert follower.admitted(text[:1]) == 1
    assert follower.admitted(text[1:]) == 0
    assert not follower.at_boundary


def test_our_close_frames_are_what_rfc_6455_says() -> None:
    assert close_frame(1008) == b"\x88\x02\x03\xf0"
    assert close_frame(1008, lambda count: b"\x01\x02\x03\x04"[:count]) == b"\x88\x82\x01\x02\x03\x04" + bytes((3 ^ 1, 0xF0 ^ 2))


def test_many_small_frames_in_one_read_cost_little() -> None:
    """A client may send 131,072 empty frames in 256 KiB; everybody else waits while they are read."""
    spent = []
    for _ in range(3):
        began = time.process_time()
        assert Frames(1024 * 1024).admitted(b"\x82\x00" * 131_072) == 262_144
        spent.append(time.process_time() - began)
    assert min(spent) < 0.5
