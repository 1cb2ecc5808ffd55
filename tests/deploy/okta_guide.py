"""What deploy/OKTA.md tells an administrator to set, read from its text. Checks nothing by itself."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "deploy" / "OKTA.md").read_text(encoding="utf-8")
_WAY = re.compile(r"^## \d\. (?P<title>.+?)$(?P<body>.+?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_VALUE = re.compile(r"`(?P<value>[^`]+)`")
WAYS = {found["title"]: found["body"] for found in _WAY.finditer(TEXT)}
_OURS = re.compile(
    r"[a-z_]+\.[a-z_]+|session-gateway check .+|openssl genrsa 2048|POST /\.gateway/starts|check|baseUrl|Host|login_required", re.DOTALL
)
"""Keys of our configuration, commands, and words of protocols: no value that is entered at Okta."""


def values_of(body: str) -> list[str]:
    """What a step tells people to enter, in order."""
    steps = body.partition("```toml")[2].partition("```")[2]
    return [found["value"] for found in _VALUE.finditer(steps) if not _OURS.fullmatch(found["value"])]
