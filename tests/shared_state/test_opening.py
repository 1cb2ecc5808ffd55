"""What a gateway without Redis leaves out."""

import subprocess
import sys


def test_the_library_for_redis_is_not_loaded_before_it_is_needed() -> None:
    said = subprocess.run(
        [sys.executable, "-c", "import sys, gateway.cli, gateway.compose; print('redis' in sys.modules)"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert said.stdout == "False\n"
