"""Z5, Z6: what `check` says about mistakes in a configuration. With an error the gateway does not start; with a warning it does."""

import io
import socket
from pathlib import Path

import pytest

from gateway.compose import Gateway
from gateway.config import Settings, read
from gateway.errors import BadConfig
from gateway.observe import Log
from tests.field.mistakes import ERRORS, LISTEN, TLS, WARNINGS, Mistake, rules
from tests.harness.certificates import certificate
from tests.harness.configuration import SEALED, SMALLEST, invoked, settings

ONLY_BOB_WRITES = 'path = "/in/**"; methods = ["POST", "PUT", "DELETE"]; users = ["bob@example.com"]'
BOB_READS = 'path = "/in/**"; methods = ["GET"]; users = ["bob@example.com"]'
NAMES = [each.name for each in (*ERRORS, *WARNINGS)]


def test_z6_there_are_at_least_forty_of_them() -> None:
    assert len(set(NAMES)) == len(NAMES) >= 40


def about(mistake: Mistake, lines: tuple[str, ...]) -> str:
    """The one line about the mistake; nothing else is said."""
    assert len(lines) == 1, lines
    (line,) = lines
    place, _, said = line.partition(f"{mistake.key}: ")
    assert said, line
    assert not mistake.line or place == f"gateway.toml:{mistake.line}: ", line
    for words in mistake.said:
        assert words in said, line
    return said


@pytest.mark.parametrize("mistake", ERRORS, ids=lambda each: each.name)
def test_z5_z6_an_error_has_place_cause_and_remedy(mistake: Mistake) -> None:
    with pytest.raises(BadConfig) as raised:
        read("gateway.toml", mistake.text, {**SEALED, **mistake.environ})
    about(mistake, raised.value.problems)


@pytest.mark.parametrize("mistake", WARNINGS, ids=lambda each: each.name)
async def test_z6_a_warning_has_them_too_and_the_gateway_starts(mistake: Mistake) -> None:
    found = read("gateway.toml", mistake.text, {**SEALED, **mistake.environ})
    assert about(mistake, found.warnings).startswith("WARNING: ")
    await starts(found)


MEANT = {
    "only some may write": (ONLY_BOB_WRITES,),
    "the others are refused": ('path = "/read/**"; methods = ["GET", "HEAD"]', 'path = "/read/**"; access = "nobody"'),
    "the others are anybody's": (BOB_READS, 'path = "/in/**"; methods = ["HEAD", "POST", "PUT", "PATCH", "DELETE"]'),
    "the others are another's": (BOB_READS, 'path = "/in/**"; users = ["kim@example.com"]'),
    "a part of it may be written to": (BOB_READS, 'path = "/in/box"; access = "anyone"'),
    "it takes something from a rule behind it": ('path = "/a/**"; methods = ["GET"]', 'path = "/a/*/b"; access = "anyone"'),
    "everybody may read": ('path = "/static/**"; methods = ["GET", "HEAD"]; access = "anyone"',),
    "nobody may write": ('path = "/shut/**"; methods = ["POST"]; access = "nobody"',),
}


@pytest.mark.parametrize("name", MEANT)
def test_z6_rules_by_method_that_are_meant_earn_no_warning(name: str) -> None:
    assert read("gateway.toml", rules(*MEANT[name]), SEALED).warnings == ()


async def starts(found: Settings) -> None:
    """It becomes ready, on free ports instead of the configured ones, and ends."""
    bound = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    gateway = Gateway(found, Log("info", stream=io.StringIO()), public=bound[0], admin=bound[1])
    await gateway.start()
    try:
        assert gateway.unready() == {}
    finally:
        await gateway.aclose()


@pytest.mark.parametrize(
    ("days", "names", "said"),
    [
        ((-30, -1), ("*.example.com",), "tls.crt: expired at 2"),
        ((1, 30), ("*.example.com",), "is valid from 2"),
        ((-1, 30), ("login.example.com",), "is for login.example.com, and not for hr.example.com; get one with every host"),
        ((-1, 30), ("*.hr.example.com", "login.example.com"), "and not for hr.example.com"),
        ((-1, 30), (), "is for no name, and not for login.example.com, hr.example.com"),
    ],
)
async def test_z6_a_certificate_that_browsers_refuse_is_warned_of(
    days: tuple[int, int], names: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    certificate(tmp_path, days=days, names=names)
    found = read(str(tmp_path / "gateway.toml"), SMALLEST + LISTEN + 'address = ":443"\n' + TLS, SEALED)
    (warning,) = found.warnings
    assert "gateway.toml:11: listen.tls_certificate: WARNING: " in warning and said in warning
    await starts(found)


def test_z6_a_good_certificate_is_not(tmp_path: Path) -> None:
    certificate(tmp_path, names=("login.example.com", "hr.example.com"))
    for address in (":443", ":8443"):  # a container's port may be published as 443
        listen = f'{LISTEN}address = "{address}"\n{TLS}'
        assert read(str(tmp_path / "gateway.toml"), SMALLEST + listen, SEALED).warnings == ()


def test_z6_what_kubernetes_sets_for_a_service_of_our_name_is_no_mistake() -> None:
    links = {
        "SESSION_GATEWAY_SERVICE_HOST": "10.0.0.1",
        "SESSION_GATEWAY_SERVICE_PORT": "80",
        "SESSION_GATEWAY_SERVICE_PORT_HTTP": "80",
        "SESSION_GATEWAY_PORT": "tcp://10.0.0.1:80",
        "SESSION_GATEWAY_PORT_80_TCP_ADDR": "10.0.0.1",
        "SESSION_GATEWAY_ADMIN_PORT_9090_TCP": "tcp://10.0.0.1:9090",
    }
    assert settings(SMALLEST, {**SEALED, **links}).warnings == ()


async def test_z6_check_says_them_on_standard_error_and_by_its_exit_code(tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text(ERRORS[0].text)
    code, _, error = await invoked("check", "--config", tmp_path / "gateway.toml")
    assert (code, error.count("\n"), "Content-Length" in error) == (1, 1, True)
    (tmp_path / "gateway.toml").write_text(WARNINGS[0].text)
    code, said, error = await invoked("check", "--config", tmp_path / "gateway.toml")
    assert (code, "usable" in said, "WARNING" in error) == (0, True, True)
