"""What a gateway without Redis, and one that is not the demonstration, leave out."""

import subprocess
import sys


def test_what_this_gateway_does_not_need_is_not_loaded() -> None:
    said = subprocess.run(
        [sys.executable, "-c", "import sys, gateway.cli, gateway.workers.command_line; print(*sys.modules)"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    loaded = set(said.stdout.split())
    assert "gateway.workers.command_line" in loaded
    assert loaded & {"redis", "gateway.dev", "gateway.commands"} == set()
