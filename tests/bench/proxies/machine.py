"""What it was measured on: the machine, and the versions of everybody."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from gateway import __version__
from tests.bench.proxies.own import is_compiled
from tests.bench.proxies.processes import found

ASKED = {"nginx": "-v", "apache2": "-v", "caddy": "version", "traefik": "version", "envoy": "--version", "wrk": "-v"}


def machine() -> dict[str, str]:
    """Processor, memory, kernel, and the load at the start: other people's work makes figures noisy."""
    cpu = next((line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), "?")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": f"{os.cpu_count()} x {cpu} ({platform.machine()})",
        "memory": f"{memory:.0f} GiB",
        "kernel": platform.release(),
        "load before": f"{os.getloadavg()[0]:.2f}",
    }


def versions() -> dict[str, str]:
    """Of the gateway, what it runs on, and of every program that is installed."""
    own = {"session-gateway": f"{__version__}{' (compiled)' if is_compiled() else ''}", "python": platform.python_version()}
    own |= {name: version(name) for name in ("aiohttp", "uvloop")}
    return own | {name: _said(name, switch) for name, switch in ASKED.items() if found(name)}


def _said(name: str, switch: str) -> str:
    done = subprocess.run([found(name) or name, switch], capture_output=True, text=True, timeout=20, check=False)
    words = (done.stdout + done.stderr).replace("/", " ").split()
    numbers = (word.strip("v[]") for word in words)
    return next((word for word in numbers if word[:1].isdigit() and "." in word), "?")
