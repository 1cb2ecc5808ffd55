"""The table of the seeds: statement, client, engine, test. Made from the names and decorators of the tests in this folder.

A test is named `test_s<number>_<words>_by_<client>`; one that is decorated with `EACH_ENGINE` runs on both engines, one with
`ON_IDENTITY` on Identity Engine alone, any other on Classic Engine. `python -m tests.seeds.table` writes the table into README.md
of this folder.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.seeds.statements import STATEMENTS

FOLDER = Path(__file__).parent
README = FOLDER / "README.md"
BEGIN, END = "<!-- seeds: python -m tests.seeds.table -->\n", "<!-- /seeds -->"
CLIENTS = {
    "raw_http": "raw HTTP",
    "chromium": "Chromium",
    "okta_auth_js": "okta-auth-js",
    "sign_in_widget": "Sign-In Widget",
    "oidc_client_ts": "oidc-client-ts",
    "oidc_middleware": "@okta/oidc-middleware",
    "jwt_verifier": "@okta/jwt-verifier",
    "okta_sdk_nodejs": "@okta/okta-sdk-nodejs",
    "axios": "axios",
    "express_and_axios": "Express + axios",
    "okta_of_pypi": "PyPI okta",
    "okta_jwt_verifier_of_pypi": "PyPI okta-jwt-verifier",
    "authlib": "authlib",
    "python3_saml": "python3-saml",
}
_NAME = re.compile(rf"test_s(\d+)_\w+_by_({'|'.join(sorted(CLIENTS, key=len, reverse=True))})")


@dataclass(frozen=True, slots=True)
class Shown:
    """One test, and the statement that it shows."""

    number: int
    client: str
    engine: str
    file: str
    name: str


def shown() -> Iterator[Shown]:
    """Every test of this folder that shows a statement; ValueError for one whose name says no client."""
    for path in sorted(FOLDER.glob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef) and re.match(r"test_s\d", node.name):
                found = _NAME.fullmatch(node.name)
                if found is None:
                    raise ValueError(f"{path.name}: {node.name} names no statement and client")
                yield Shown(int(found[1]), CLIENTS[found[2]], _engine(node), path.name, node.name)


def _engine(node: ast.AsyncFunctionDef | ast.FunctionDef) -> str:
    decorators = {one.id for one in node.decorator_list if isinstance(one, ast.Name)}
    if "EACH_ENGINE" in decorators:
        return "both"
    return "Identity" if "ON_IDENTITY" in decorators else "Classic"


def table() -> str:
    """The whole table in Markdown: one row for each statement and client."""
    rows = ["| | seed:line | statement | client | engine | test |", "|--:|---|---|---|---|---|"]
    tests = sorted(shown(), key=lambda test: (test.number, test.client, test.name))
    for statement in STATEMENTS:
        mine = [test for test in tests if test.number == statement.number]
        for client, engine, file in dict.fromkeys((test.client, test.engine, test.file) for test in mine):
            test = f"[{file[5:-3]}]({file}) `s{statement.number}`"
            rows.append(f"| {statement.number} | {statement.place} | {statement.text} | {client} | {engine} | {test} |")
    return "\n".join(rows) + "\n"


def written(text: str) -> str:
    """The README's text with the table as it is now."""
    before, begin, rest = text.partition(BEGIN)
    if not begin:
        raise ValueError("the README has no place for the table")
    return before + begin + table() + END + rest.partition(END)[2]


if __name__ == "__main__":
    README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")
