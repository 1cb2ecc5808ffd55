"""Jupyter's server from PyPI with its own sign-in, below /jupyter/. Checks nothing by itself."""

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.field.real_apps import Cookies, RealApp

BASE = "/jupyter"
TOKEN = "for-the-desk"
"""What people sign in with at Jupyter itself."""
_OWN_FOLDERS = ("HOME", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")


def _lacking() -> str:
    lacking = [name for name in ("jupyter_server", "ipykernel") if importlib.util.find_spec(name) is None]
    return f"needs {' and '.join(lacking)}" if lacking else ""


def _command(folder: Path, port: int, cookies: Cookies) -> Sequence[str]:
    (folder / "notebooks").mkdir()
    said = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.base_url": f"{BASE}/",
        "ServerApp.root_dir": folder / "notebooks",
        "ServerApp.open_browser": False,
        "ServerApp.allow_root": True,
        "ServerApp.allow_remote_access": True,
        "IdentityProvider.token": TOKEN,
    }
    environ = [f"{name}={folder}" for name in _OWN_FOLDERS]
    return "env", *environ, sys.executable, "-m", "jupyter_server", *(f"--{name}={value}" for name, value in said.items())


JUPYTER = RealApp("jupyter", "_xsrf", b"is running at", _lacking, _command)
