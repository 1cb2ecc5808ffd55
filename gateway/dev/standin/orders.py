"""Reads the orders that tests send to the control paths.

Owns: the JSON object of a call, and values of it by name.
Must never: carry the order out.
"""

from typing import Any

from gateway.dev.standin.call import Call
from gateway.dev.standin.users import User


def order(call: Call) -> dict[str, Any]:
    """Return the JSON object of the body; ValueError if the body is none."""
    payload = call.payload()
    if payload is None:
        raise ValueError("a JSON object is needed")
    return payload


def text(call: Call, name: str) -> str:
    """Return the string with this name; ValueError if there is none."""
    value = order(call).get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name}: a string is needed")
    return value


def one_of(call: Call, name: str, *allowed: str) -> str:
    """Return the string with this name if it is one of the allowed ones; else ValueError."""
    value = text(call, name)
    if value not in allowed:
        raise ValueError(f"{name}: {' or '.join(allowed)} is needed")
    return value


def user(call: Call) -> User:
    """Return the user whose `login` the order names; KeyError for an unknown one."""
    return call.org.known_user(text(call, "login"))
