"""Owns what all tests share: hypothesis profiles, the shared folder, the browser, the closing summary. Nothing of one room."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.closing_summary"]

_ROOT = Path(__file__).resolve().parent.parent

# "ci" gives the same examples in every run; "search" looks for new ones: HYPOTHESIS_PROFILE=search make test
settings.register_profile(
    "ci", derandomize=True, deadline=None, max_examples=100, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("search", deadline=None, max_examples=5000, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """The folder beside the repository with raw messages of other projects and Okta's own API description."""
    folder = _ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("../shared is absent")
    return folder


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """Debian's Chromium."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("chromium is not installed")
    return Path(found)
