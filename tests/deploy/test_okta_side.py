"""Every value in deploy/OKTA.md is printed by `check --okta` for the example above it."""

import re
from pathlib import Path

import pytest

from gateway.commands.okta_admin import okta_admin
from gateway.config import Settings, advice, read
from tests.deploy.okta_guide import WAYS, values_of
from tests.harness.configuration import SEALED

_EXAMPLE = re.compile(r"```toml\n(?P<text>.+?)```", re.DOTALL)


def settings_of(body: str, tmp_path: Path) -> Settings:
    """The example, with the files that it names."""
    for name in ("hook.secret", "portal.secrets", "client.secret"):
        (tmp_path / name).write_text("a secret of more than thirty-two characters")
    example = _EXAMPLE.search(body)
    assert example is not None
    text = re.sub(r"^(tls_certificate|tls_key) = .*\n", "", example["text"], flags=re.MULTILINE)
    return read(str(tmp_path / "gateway.toml"), text, SEALED)


def printed(body: str, tmp_path: Path) -> str:
    return okta_admin(settings_of(body, tmp_path))


def test_the_document_has_the_three_ways_that_the_program_knows() -> None:
    assert list(WAYS) == ["The org's custom domain in front", "A login host of one's own name in front", "Not in front"]


@pytest.mark.parametrize("title", WAYS)
def test_every_value_of_the_document_is_printed(title: str, tmp_path: Path) -> None:
    lines = printed(WAYS[title], tmp_path).replace("what ends TLS before the gateway", "what ends TLS before the gateway login.pem")
    values = values_of(WAYS[title])
    assert len(values) >= 8
    assert [value for value in values if value not in lines] == []


@pytest.mark.parametrize("title", WAYS)
def test_every_value_that_is_printed_stands_in_the_document(title: str, tmp_path: Path) -> None:
    sections = printed(WAYS[title], tmp_path).partition("\nEvent hook")[0]
    rows = [line.strip() for line in sections.splitlines() if line.startswith("  ")]
    values = [re.split(r" {2,}", row)[-1] if "  " in row else row for row in rows]
    text = WAYS[title] + WAYS["The org's custom domain in front"]
    assert [value for value in values if value.rpartition("never changed ")[2] not in text and "TLS before" not in value] == []


def test_a_login_host_of_ones_own_name_is_warned_about(tmp_path: Path) -> None:
    assert ["bypass" in line for line in advice(settings_of(WAYS["A login host of one's own name in front"], tmp_path))] == [True]
    for title in ("The org's custom domain in front", "Not in front"):
        assert advice(settings_of(WAYS[title], tmp_path)) == ()


def test_no_secret_is_printed(tmp_path: Path) -> None:
    for body in WAYS.values():
        assert "thirty-two characters" not in printed(body, tmp_path)
