"""The fast writer of access log lines writes the same line as the general one, whatever values are in it."""

import io
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.observe import Format, Level, Log
from gateway.observe.access_log import LARGEST_MEMORY, AccessLine
from gateway.observe.formats import Moments
from tests.observe.access_lines import access

WALL = 1_930_000_000.000_123
FORMS: tuple[Format, ...] = ("json", "text")

WORDS = ("door", "method", "app", "route", "verdict", "reason")
ORDER = (*WORDS, "status", "peer", "client", "fingerprint", "request_id", "milliseconds")

# What could be taken for harmless and is not, beside arbitrary text.
texts = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["", "198.51.100.7", "2001:db8::1", "0123456789ab", "app", "x?token=s3cret", "sid=s3cret", "a" * 99, "f" * 300]),
    st.text(alphabet='0123456789abcdefABCDEF:.=?&; \n\r\x1b"\\\u2028é\udc80', max_size=250),
)


def _log(form: Format, level: Level = "info", always: dict[str, object] | None = None) -> tuple[Log, io.StringIO]:
    stream = io.StringIO()
    return Log(level, form, stream, always, wall=lambda: WALL), stream


def _access(log: Log, told: dict[str, str], status: int, milliseconds: float) -> None:
    parts = {name: part for name, part in told.items() if name not in ("status", "milliseconds")}
    access(log, status=status, milliseconds=milliseconds, **parts)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("always", [None, {"worker": 3, "unlisted": "s3cret"}], ids=["alone", "worker"])
@given(
    told=st.fixed_dictionaries({name: texts for name in ORDER if name not in ("status", "milliseconds")}),
    status=st.integers(-1, 1000),
    milliseconds=st.floats(allow_nan=False, allow_infinity=False),
)
@example(told=dict.fromkeys(ORDER, "1" * 45), status=200, milliseconds=0.0005)
@example(told=dict.fromkeys(ORDER, "1" * 100), status=200, milliseconds=2.0005)
@example(told=dict.fromkeys(ORDER, "::1\n"), status=200, milliseconds=1e300)
def test_a_line_is_what_a_general_one_would_be(
    form: Format, always: dict[str, object] | None, told: dict[str, str], status: int, milliseconds: float
) -> None:
    general, expected = _log(form, always={"worker": 3} if always else None)
    figures: dict[str, object] = {**told, "status": status, "milliseconds": milliseconds}
    general.tell("request", {name: figures[name] for name in ORDER if figures[name] != ""})
    log, stream = _log(form, always=always)
    _access(log, told, status, milliseconds)
    _access(log, told, status, milliseconds)
    assert stream.getvalue() == expected.getvalue() * 2
    assert "s3cret" not in stream.getvalue()


def test_a_line_has_its_parts_in_order() -> None:
    log, stream = _log("text")
    access(log, door="app", app="hr", verdict="admit", status=200, peer="192.0.2.1", fingerprint="0123456789ab", milliseconds=1.23456)
    assert stream.getvalue() == (
        "at=2031-02-27T23:06:40.000123Z level=info event=request door=app app=hr verdict=admit status=200 "
        "peer=192.0.2.1 fingerprint=0123456789ab milliseconds=1.235\n"
    )


@pytest.mark.parametrize("level", ["warning", "error"])
def test_above_its_level_nothing_is_even_made(level: Level) -> None:
    asked: list[None] = []

    def wall() -> float:
        asked.append(None)
        return WALL

    stream = io.StringIO()
    access(Log(level, stream=stream, wall=wall), door="app", status=200, milliseconds=1.0)
    assert (stream.getvalue(), asked) == ("", [])


def test_what_is_remembered_has_a_bound() -> None:
    line = AccessLine("json", Moments(lambda: WALL), {})
    words = ("app", "GET", "hr", "", "admit", "")
    for number in range(LARGEST_MEMORY):
        line.line(words, 200, f"client {number}", "", "", str(number), 1.0)
    assert line.remembered >= LARGEST_MEMORY
    line.line(words, 200, "one more", "", "", "", 1.0)
    assert line.remembered < 10
    assert json.loads(line.line(words, 200, "client 1", "", "", "", 1.0))["peer"] == "client 1"


def test_what_is_long_is_not_remembered() -> None:
    line = AccessLine("json", Moments(lambda: WALL), {})
    words = ("app", "GET", "hr", "", "admit", "")
    line.line(words, 200, "", "", "", "", 1.0)
    before = line.remembered
    for _ in range(2):
        assert json.loads(line.line(words, 200, "p " * 500, "", "", "", 1.0))["peer"] == "p " * 100
        assert json.loads(line.line((*words[:5], "r " * 500), 200, "", "", "", "", 1.0))["reason"] == "r " * 100
    assert line.remembered == before


def test_the_moment_is_as_wide_in_every_second_and_follows_a_clock_that_is_set_back() -> None:
    times = [1_930_000_000.0, 1_930_000_000.999_999_5, 1_930_000_001.5, 1_929_999_999.25, 0.0, 1_930_000_001.000_001]
    moments = Moments(iter(times).__next__)
    assert [moments.now() for _ in times] == [
        "2031-02-27T23:06:40.000000Z",
        "2031-02-27T23:06:40.999999Z",
        "2031-02-27T23:06:41.500000Z",
        "2031-02-27T23:06:39.250000Z",
        "1970-01-01T00:00:00.000000Z",
        "2031-02-27T23:06:41.000000Z",
    ]


def test_a_value_moves_no_cursor() -> None:
    log, stream = _log("text")
    access(log, door="app", reason="\x1b[2J\r\u2028é two", status=200, milliseconds=1.0)
    log.tell("request", {"reason": "\x1b[2J\r"})
    written = stream.getvalue()
    assert len(written.splitlines()) == 2
    assert written.replace("\n", "").isprintable()
    assert "é" in written
