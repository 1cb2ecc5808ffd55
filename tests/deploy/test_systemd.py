"""The unit: systemd reads it without a word, and finds little that it could still do."""

import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from gateway.cli import main
from tests.deploy.objects import DEPLOY

UNIT = DEPLOY / "systemd" / "session-gateway.service"
LARGEST_EXPOSURE = 1.2


@pytest.fixture(scope="module")
def analyze() -> str:
    """systemd's own tool; it works without a running systemd."""
    found = shutil.which("systemd-analyze")
    if found is None:
        pytest.skip("systemd-analyze is not installed")
    return found


def _settings(name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)


def test_systemd_has_nothing_to_say_about_it(analyze: str, tmp_path: Path) -> None:
    # The program's path is not there in a test: another one stands for it.
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text(encoding="utf-8").replace("/opt/session-gateway/bin/session-gateway", "/bin/true"))
    ran = subprocess.run([analyze, "verify", "--man=no", unit], capture_output=True, text=True, check=False)
    about_it = [line for line in (ran.stdout + ran.stderr).splitlines() if UNIT.name in line]
    assert (ran.returncode, about_it) == (0, [])


def test_an_unknown_setting_would_be_said(analyze: str, tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text(encoding="utf-8").replace("ProtectHome=", "ProtectHose="))
    ran = subprocess.run([analyze, "verify", "--man=no", unit], capture_output=True, text=True, check=False)
    assert "ProtectHose" in ran.stdout + ran.stderr


def test_little_is_left_that_it_could_do(analyze: str) -> None:
    command = [analyze, "security", "--offline=yes", "--no-pager", str(UNIT)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    exposure = re.search(r"Overall exposure level for \S+: ([0-9.]+)", ran.stdout)
    assert exposure is not None, ran.stdout
    assert float(exposure[1]) <= LARGEST_EXPOSURE
    assert f"{LARGEST_EXPOSURE} or less" in (DEPLOY / "systemd" / "README.md").read_text(encoding="utf-8")


def test_it_runs_the_program_as_the_image_does() -> None:
    commands = [*_settings("ExecStartPre"), *_settings("ExecStart")]
    assert [command.split()[1] for command in commands] == ["check", "run"]
    for command in commands:
        program, name, *arguments = command.split()
        assert program == "/opt/session-gateway/bin/session-gateway"
        assert name in main.list_commands(click.Context(main))
        assert arguments == ["--config", "/etc/session-gateway/gateway.toml"]


def test_the_keys_come_from_a_credential_and_from_nowhere_else() -> None:
    (credential,) = _settings("LoadCredential")
    name, _, source = credential.partition(":")
    assert source == "/etc/session-gateway/seal.keys"
    assert _settings("Environment")[:1] == [f"SESSION_GATEWAY_SEAL_KEYS_FILE=%d/{name}"]
    assert sum("SEAL" in line for line in _settings("Environment")) == 1


def test_its_state_lies_in_the_directory_that_systemd_makes_for_it_alone() -> None:
    (directory,) = _settings("StateDirectory")
    assert _settings("StateDirectoryMode") == ["0700"]
    assert _settings("Environment")[1:] == [f"SESSION_GATEWAY__STATE__DIRECTORY=%S/{directory}"]


def test_it_is_given_the_time_to_drain() -> None:
    assert int(_settings("TimeoutStopSec")[0]) > 20
    assert _settings("KillMode") == ["mixed"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DynamicUser", "yes"),
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("PrivateDevices", "yes"),
        ("MemoryDenyWriteExecute", "yes"),
        ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
        ("UMask", "0077"),
    ],
)
def test_each_of_these_stays_whatever_the_sum_is(name: str, value: str) -> None:
    assert _settings(name) == [value]
