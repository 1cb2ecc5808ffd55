"""Messages as bytes, and bytes as messages.

Owns the form: JSON in ASCII, a list with the message's name first. Must never guess: whatever is not exactly one of the messages is
``BadMessage``. Rules from: RFC 8259; DESIGN section 7.
"""

import json
import math
from typing import assert_never

from gateway.revocations import Remembered, Revocation
from gateway.shared_state.spelling import BadSpelling, fields_of, revocation_of
from gateway.supervisor.messages import (
    Alone,
    Ask,
    BadMessage,
    Begin,
    Complete,
    Farewell,
    Heard,
    Hello,
    Listening,
    Memory,
    Message,
    Publish,
    Published,
    Reload,
    Revoked,
    Stop,
    Told,
)

LARGEST_MESSAGE_BYTES = 4 * 1024 * 1024
_LARGEST_NUMBER = 2**53


def encoded(message: Message) -> bytes:
    """The message as bytes; ``BadMessage`` where it would be too large to be understood."""
    written = json.dumps(_listed(message), separators=(",", ":")).encode("ascii")
    if len(written) > LARGEST_MESSAGE_BYTES:
        raise BadMessage("too large")
    return written


def _listed(message: Message) -> list[object]:
    match message:
        case Hello(text) | Farewell(text):
            return [type(message).__name__.lower(), text]
        case Memory(entries):
            return ["memory", *([fields_of(entry.revocation), entry.age_seconds] for entry in entries)]
        case Publish(number, revocation):
            return ["publish", number, fields_of(revocation)]
        case Revoked(number, revocation):
            return ["revoked", number, fields_of(revocation)]
        case Ask(number, text) | Told(number, text):
            return [type(message).__name__.lower(), number, text]
        case Complete(number) | Heard(number) | Published(number):
            return [type(message).__name__.lower(), number]
        case Begin() | Listening() | Reload() | Stop() | Alone():
            return [type(message).__name__.lower()]
        case _:
            assert_never(message)


def decoded(written: bytes) -> Message:
    """The message that these bytes are; ``BadMessage`` for anything else."""
    try:
        said = json.loads(written.decode("ascii"), parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise BadMessage("not a message") from error
    if not isinstance(said, list) or not said:
        raise BadMessage("not a message")
    message = _about_workers(said) or _about_revocations(said)
    if message is None:
        raise BadMessage("unknown message")
    return message


def _about_workers(said: list[object]) -> Message | None:
    match said:
        case ["hello", str(version)]:
            return Hello(version)
        case ["begin"]:
            return Begin()
        case ["listening"]:
            return Listening()
        case ["ask", number, "metrics" | "readiness" as what]:
            return Ask(_number(number), "metrics" if what == "metrics" else "readiness")
        case ["told", number, str(text)]:
            return Told(_number(number), text)
        case ["reload"]:
            return Reload()
        case ["stop"]:
            return Stop()
        case ["alone"]:
            return Alone()
        case ["farewell", str(text)]:
            return Farewell(text)
        case _:
            return None


def _about_revocations(said: list[object]) -> Message | None:
    match said:
        case ["memory", *entries]:
            return Memory(tuple(map(_remembered, entries)))
        case ["complete", number]:
            return Complete(_number(number))
        case ["heard", number]:
            return Heard(_number(number))
        case ["publish", number, revocation]:
            return Publish(_number(number), _revocation(revocation))
        case ["published", number]:
            return Published(_number(number))
        case ["revoked", number, revocation]:
            return Revoked(_number(number), _revocation(revocation))
        case _:
            return None


def _remembered(said: object) -> Remembered:
    match said:
        case [revocation, int() | float() as age_seconds] if not isinstance(age_seconds, bool):
            if math.isfinite(age_seconds) and age_seconds >= 0:
                return Remembered(_revocation(revocation), float(age_seconds))
    raise BadMessage("no entry of a memory")


def _revocation(said: object) -> Revocation:
    try:
        return revocation_of(said)
    except BadSpelling as error:
        raise BadMessage("no revocation") from error


def _number(said: object) -> int:
    if not isinstance(said, int) or isinstance(said, bool) or not 0 <= said < _LARGEST_NUMBER:
        raise BadMessage("no number")
    return said


def _refused(constant: str) -> object:
    raise ValueError(f"{constant} is no JSON")
