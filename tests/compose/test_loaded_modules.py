"""What a gateway without Redis, and one that is not the demonstration, leave out."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["redis", "gateway.dev", "gateway.commands"])
def test_what_this_gateway_does_not_need_is_not_loaded(module: str) -> None:
    said = subprocess.run(
        [sys.executable, "-c", f"import sys, gateway.cli, gateway.workers.command_line; print({module!r} in sys.modules)"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert said.stdout == "False\n"
