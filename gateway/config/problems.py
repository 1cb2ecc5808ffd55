"""Builds the error lines for a wrong configuration.

Owns the form `place: key: what is wrong; what to do`, and the guess at what a misspelt key should be. Must never show a value from the
environment, nor put two problems into one line.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from gateway.config.model import Config
from gateway.config.places import ConfigText, Path

_WORDS = {
    "string_type": "text in quotes is needed",
    "bool_type": "true or false is needed, without quotes",
    "int_type": "a whole number is needed, without quotes",
    "tuple_type": 'a list in square brackets is needed, for example ["…"]',
    "dict_type": "a table is needed",
    "model_type": "a table is needed",
    "model_attributes_type": "a table is needed",
}


def keys_of(model: type[BaseModel]) -> dict[str, Any]:
    """The keys of a table as a file writes them, each with the type of its value."""
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def tables_within(annotation: object) -> Iterator[type[BaseModel]]:
    """The table classes inside a type such as `tuple[RuleTable, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from tables_within(inner)


def spelled(path: Path) -> str:
    """A path as text, such as `app[0].rule[1].path`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def line(written: ConfigText, origins: Mapping[Path, str], path: Path, text: str) -> str:
    """One problem with its place: file and line, or the environment variable that set the key."""
    variable = next((origins[path[:length]] for length in range(len(path), 0, -1) if path[:length] in origins), None)
    if variable is None and path not in written.lines:  # a table that exists only because of a variable
        variable = next((name for key, name in origins.items() if key[: len(path)] == path), None)
    place = f"environment {variable}" if variable else written.place(path)
    return f"{place}: {spelled(path)}: {text}"


def from_validation(errors: Sequence[ErrorDetails], written: ConfigText, origins: Mapping[Path, str]) -> tuple[str, ...]:
    """The lines for all problems that the types found, in the order of the keys in the file, each problem once."""
    paths = [_path(error) for error in errors]
    lines = []
    for path, error in zip(paths, errors, strict=True):
        # If items of a list are refused, pydantic also calls the list too short: report one problem, not two.
        if error["type"] == "too_short" and any(other != path and other[: len(path)] == path for other in paths):
            continue
        lines.append(line(written, origins, path, _text(path, error)))
    return tuple(dict.fromkeys(lines))


def _path(error: ErrorDetails) -> Path:
    return tuple(
        part for part in error["loc"] if part != "[key]" and not (isinstance(part, str) and part.startswith(("function-", "literal[")))
    )


def _text(path: Path, error: ErrorDetails) -> str:
    match error["type"]:
        case "extra_forbidden":
            return _unknown(path)
        case "missing":
            return "is missing; " + _remedy_for_missing(path)
        case "value_error":
            return str(error["ctx"]["error"])
        case "literal_error":
            return f"{error['ctx']['expected']} is needed; write one of them"
        case "too_short":
            return "is an empty list; name at least one, or leave the key out"
        case "string_pattern_mismatch" | "string_too_short":
            return f"{error['input']!r} is not allowed here; {_FORMS.get(_key(path), 'write what matches ' + _pattern(error))}"
        case kind:
            return _WORDS.get(kind, error["msg"][0].lower() + error["msg"][1:])


def _key(path: Path) -> str:
    """The last key of a path. (An item of a list has a number, not a key.)"""
    return next((part for part in reversed(path) if isinstance(part, str)), "")


_FORMS = {
    "path": 'write a path: it begins with / and holds no ? and no #, for example "/public/**"',
    "sign_in": 'write a path on the org, for example "/login/login.htm?fromURI={return}"',
    "sign_out_path": 'write the path where the app itself signs out, for example "/logout"',
    "session_cookies": 'write the name of a cookie, for example "JSESSIONID", with one * for any rest, or with ! before it',
    "name": "use letters, digits, - and _, at most 63",
}


def _pattern(error: ErrorDetails) -> str:
    return str(error.get("ctx", {}).get("pattern", "another form"))


def _remedy_for_missing(path: Path) -> str:
    return f"add {path[-1]} = …" if len(path) > 1 else f"add the table [{path[-1]}]"


def _unknown(path: Path) -> str:
    known = list(keys_of(_table(path[:-1])))
    near = difflib.get_close_matches(str(path[-1]), known, n=1)
    return f'is no key here; did you mean "{near[0]}"?' if near else f"is no key here; known are {', '.join(known)}"


def _table(path: Path) -> type[BaseModel]:
    model: type[BaseModel] = Config
    for part in path:
        if isinstance(part, str):
            model = next(tables_within(keys_of(model).get(part)), model)
    return model
