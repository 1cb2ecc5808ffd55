"""Z7: a configuration that was copied from the examples trusts no proxy, until the operator lists one."""

import ipaddress
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
_KEY = re.compile(r"trusted_proxies\s*=\s*\[([^\]]*)\]|TRUSTED_PROXIES[\"':=,\s]+\[([^\]]*)\]")
_DOCUMENTATION = ipaddress.IPv4Network("192.0.2.0/24")
IN_ONE_NETWORK = {"deploy/compose/gateway.toml": "127.0.0.1"}
"""Its nginx is in the same network namespace, and nothing else is."""
_BESIDE = re.compile(r"deploy/(caddy|envoy|haproxy|nginx|traefik)/README\.md")
"""The front proxy of these recipes is on the same machine: they say that its own address is to be named."""


def shipped() -> list[Path]:
    """Whatever somebody may copy."""
    folders = [ROOT / "config", ROOT / "deploy"]
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    return [ROOT / "README.md", ROOT / "SECURITY.md", *sorted(files)]


def trusted(text: str) -> list[str]:
    """Every address that a text trusts."""
    lists = (found[1] or found[2] or "" for found in _KEY.finditer(text))
    return [address for one in lists for address in re.findall(r"[0-9A-Fa-f:.]+(?:/\d+)?", one)]


@pytest.mark.parametrize("file", shipped(), ids=lambda file: str(file.relative_to(ROOT)))
def test_z7_no_shipped_example_trusts_anybody(file: Path) -> None:
    name = str(file.relative_to(ROOT))
    for address in trusted(file.read_text(encoding="utf-8", errors="replace")):
        network = ipaddress.ip_network(address)
        is_nobody = isinstance(network, ipaddress.IPv4Network) and network.subnet_of(_DOCUMENTATION)
        is_beside = address == "127.0.0.1/32" and _BESIDE.fullmatch(name)
        assert is_nobody or is_beside or address == IN_ONE_NETWORK.get(name), f"{name} trusts {address}"


def test_z7_the_reading_finds_them() -> None:
    assert trusted('trusted_proxies = ["10.0.0.0/8", "::1"]') == ["10.0.0.0/8", "::1"]
    assert trusted("SESSION_GATEWAY__LISTEN__TRUSTED_PROXIES: '[\"10.0.0.1\"]'") == ["10.0.0.1"]
    assert sum("trusted_proxies" in file.read_text(encoding="utf-8", errors="replace") for file in shipped()) > 10
