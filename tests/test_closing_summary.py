"""The summary at the end of a test run, tested with a test run of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.closing_summary import SHARED_ABSENT

ROOT = Path(__file__).resolve().parents[1]


def _run(folder: Path, reason: str, environment: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    test = folder / "test_skipping.py"
    test.write_text(
        f"import pytest\ndef test_that_runs():\n    pass\n@pytest.mark.skip(reason={reason!r})\ndef test_that_wants():\n    pass\n"
    )
    plugins = [part for name in ("tests.closing_summary", "xdist.plugin", "no:cacheprovider") for part in ("-p", name)]
    command = [sys.executable, "-m", "pytest", *plugins, "--rootdir", str(folder)]
    quiet = {name: value for name, value in os.environ.items() if name != "CI" and not name.startswith("PYTEST")}
    return subprocess.run(
        [*command, "-c", os.devnull, *options, str(test)],
        env={**quiet, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("options", [(), ("--numprocesses=1",)], ids=["in-one-process", "with-a-worker"])
def test_a_skipped_test_is_named_with_what_it_wants(tmp_path: Path, options: tuple[str, ...]) -> None:
    run = _run(tmp_path, "chromium is not installed", {}, *options)
    assert run.returncode == 0, run.stdout
    assert "skipped for want of" in run.stdout
    assert "chromium is not installed: " in run.stdout
    assert "test_that_wants" in run.stdout


@pytest.mark.parametrize("options", [(), ("--numprocesses=1",)], ids=["in-one-process", "with-a-worker"])
def test_in_ci_a_skipped_test_fails_the_run(tmp_path: Path, options: tuple[str, ...]) -> None:
    run = _run(tmp_path, "chromium is not installed", {"CI": "true"}, *options)
    assert run.returncode == 1, run.stdout
    assert "the run fails" in run.stdout


def test_in_ci_the_shared_folder_alone_may_be_absent(tmp_path: Path) -> None:
    run = _run(tmp_path, SHARED_ABSENT, {"CI": "true"})
    assert run.returncode == 0, run.stdout
    assert f"{SHARED_ABSENT}: " in run.stdout
