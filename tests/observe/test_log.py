"""A log line never holds a secret, whichever code writes it."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gateway.observe import NAMES, ForeignRecords, Format, Level, Log


def _written(level: Level = "debug", form: Format = "json") -> tuple[Log, io.StringIO]:
    stream = io.StringIO()
    return Log(level, form, stream), stream


def _line(stream: io.StringIO) -> dict[str, object]:
    found: dict[str, object] = json.loads(stream.getvalue())
    return found


def test_a_line_has_a_time_a_level_and_an_event() -> None:
    log, stream = _written()
    log.tell("request", {"status": 200, "milliseconds": 1.23456, "app": "hr"})
    line = _line(stream)
    assert str(line.pop("at")).endswith("Z")
    assert line == {"level": "info", "event": "request", "status": 200, "milliseconds": 1.235, "app": "hr"}


def test_what_is_not_listed_is_left_out_and_counted() -> None:
    log, stream = _written()
    log.tell("request", {"url": "/?sessionToken=s3cret", "fields": {"Cookie": "sid=s3cret"}, "status": 200, "event": "s3cret", "at": 0})
    line = _line(stream)
    assert line["withheld"] == 4
    assert line["event"] == "request"
    assert "s3cret" not in stream.getvalue()


@pytest.mark.parametrize(
    "value",
    [
        "/x?sessionToken=s3cret",
        "/x?a=b&token=s3cret",
        "sid=s3cret",
        "a; idx = s3cret",
        "eyJ6aXAiOiJERUYi" + "s3cret" * 20,
        b"s3cret",
        {"a": "s3cret"},
        ("sid=s3cret",),
        Exception("s3cret"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_listed_name_does_not_carry_a_secret_either(value: object) -> None:
    log, stream = _written()
    for name in sorted(NAMES):
        log.tell("request", {name: value})
    assert "s3cret" not in stream.getvalue()


def test_long_texts_are_cut_and_line_breaks_stay_inside_one_line() -> None:
    log, stream = _written()
    log.tell("request", {"reason": "a b\n" * 200})
    assert len(stream.getvalue().splitlines()) == 1
    assert len(str(_line(stream)["reason"])) == 200


def test_a_level_keeps_quieter_lines_out() -> None:
    log, stream = _written("warning")
    log.write("info", "quiet")
    log.write("warning", "loud")
    assert _line(stream)["event"] == "loud"


def test_text_is_one_line_too() -> None:
    log, stream = _written(form="text")
    log.tell("request", {"reason": "two words\nbroken", "status": 200})
    (line,) = stream.getvalue().splitlines()
    assert "event=request" in line
    assert "status=200" in line


def test_a_failure_names_kinds_and_places_and_quotes_nothing() -> None:
    log, stream = _written()
    try:
        try:
            int("s3cret")
        except ValueError as error:
            raise LookupError("s3cret") from error
    except LookupError as error:
        log.failure("request_failed", error, {"door": "app"})
    line = _line(stream)
    assert line["error"] == "LookupError < ValueError"
    assert str(line["frames"]).startswith("['test_log.py:")
    assert "s3cret" not in stream.getvalue()


@contextmanager
def _library(log: Log) -> Iterator[logging.Logger]:
    logger = logging.Logger("aiohttp.server", logging.DEBUG)
    handler = ForeignRecords(log)
    logger.addHandler(handler)
    yield logger
    logger.removeHandler(handler)


def test_records_of_libraries_come_without_what_they_quote() -> None:
    log, stream = _written()
    with _library(log) as library:
        try:
            raise ValueError("Invalid header: sid=s3cret")
        except ValueError:
            library.exception("Error handling request from %s", "s3cret")
    line = _line(stream)
    assert (line["library"], line["template"], line["error"]) == ("aiohttp.server", "Error handling request from %s", "ValueError")
    assert "s3cret" not in stream.getvalue()


def test_records_that_were_filled_in_before_are_cut_at_the_first_object() -> None:
    log, stream = _written()
    with _library(log) as library:
        library.error("Task exception was never retrieved\nfuture: <Task coro=<handle(s3cret)>>")
        library.error("Exception in callback <bound method x of <Request GET /?token=s3cret>>")
    assert [json.loads(line)["template"] for line in stream.getvalue().splitlines()] == [
        "Task exception was never retrieved",
        "Exception in callback ",
    ]
