"""Every path, cookie and audit event of the program is in the document of its reader."""

import ast
import re

from gateway.observe.reasons import EVENTS
from tests.architecture.sources import python_files, tree
from tests.documents.pages import text_of

_PATH = re.compile(r"/\.gateway(?:/[a-z-]+)*/?")
_COOKIE = re.compile(r"__Host-gateway[a-z-]*")


def _constants(pattern: re.Pattern[str]) -> set[str]:
    """Every text of the product, docstrings apart, that is such a name and nothing else."""
    nodes = (node for name in python_files("gateway") for node in ast.walk(tree(name)) if isinstance(node, ast.Constant))
    texts = (node.value.decode("latin-1") if isinstance(node.value, bytes) else node.value for node in nodes)
    return {text for text in texts if isinstance(text, str) and pattern.fullmatch(text)}


def test_every_path_and_cookie_is_in_the_architecture() -> None:
    named = set(re.findall(r"`([^`\n]+)`", text_of("gateway/README.md")))
    paths, cookies = _constants(_PATH), _constants(_COOKIE)
    assert len(paths) > 10 and len(cookies) == 5
    assert sorted((paths | cookies) - named - {"/.gateway"}) == []
    assert sorted(name for name in named if (_PATH.fullmatch(name) or _COOKIE.fullmatch(name)) and name not in paths | cookies) == []


def test_every_event_of_the_audit_is_in_the_document_for_operators() -> None:
    audit = [event for event, row in EVENTS.items() if row.what.startswith("Audit:")]
    assert len(audit) > 5
    table = text_of("deploy/README.md").partition("**The audit**")[2].partition("**Metrics**")[0]
    assert [event for event in audit if f"`{event}`" not in table] == []
