"""The place of the shared state: what the configuration may say about it, and the private folder of workers without one."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.config import state_folder
from gateway.errors import BadConfig
from gateway.workers.state_folder import PREFIX, settings_with_state
from tests.harness.configuration import SMALLEST, problems, settings

WORKERS = SMALLEST + "[listen]\nworkers = 2\n"
CASES = [
    (
        SMALLEST + '[state]\nengine = "sqlite"\n',
        ('state.directory: is missing; name a folder for the database, or use state.engine = "auto"',),
    ),
    (
        SMALLEST + '[listen]\nworkers = 2\n[state]\nengine = "memory"\n',
        ('gateway.toml:12: state.engine: "memory" is that of one process, and listen.workers starts 2; use "auto" or "sqlite"',),
    ),
    (SMALLEST + '[state]\nengine = "disk"\n', ("gateway.toml:10: state.engine: 'auto', 'memory', 'sqlite' or 'redis' is needed",)),
    (
        SMALLEST + '[state]\ndirectory = "/proc/1/state"\n',
        ("gateway.toml:10: state.directory: /proc/1/state: cannot be made, because /proc/1 cannot be written; give",),
    ),
]


@pytest.mark.parametrize(("text", "sentences"), CASES)
def test_a_state_that_cannot_be_is_a_problem_with_its_place_and_a_remedy(text: str, sentences: tuple[str, ...]) -> None:
    found = problems(text)
    assert [sentence for sentence in sentences if not any(sentence in problem for problem in found)] == [], found


@pytest.mark.parametrize(
    ("state", "folder"),
    [
        ("", None),
        ('engine = "memory"\ndirectory = "kept"\n', None),
        ('directory = "kept"\n', Path("/etc/gateway/kept")),
        ('engine = "sqlite"\ndirectory = "/srv/kept"\n', Path("/srv/kept")),
    ],
)
def test_a_directory_makes_it_sqlite_and_none_makes_it_memory(state: str, folder: Path | None) -> None:
    config = settings(f"{SMALLEST}[state]\n{state}").config
    assert state_folder(config, Path("/etc/gateway")) == folder


def test_workers_without_a_directory_get_a_private_one_that_ends_with_the_supervisor(tmp_path: Path) -> None:
    with settings_with_state(settings(WORKERS), tmp_path) as given, settings_with_state(settings(WORKERS), tmp_path) as others:
        folder = state_folder(given.config, Path("/elsewhere"))
        assert folder is not None and folder.parent == tmp_path and folder.stat().st_mode & 0o777 == 0o700
        assert others.config.state.directory != given.config.state.directory
        assert not given.needs_state_folder
        (folder / "state.db").touch()
        assert len(list(tmp_path.iterdir())) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", [SMALLEST, WORKERS + '[state]\ndirectory = "kept"\n'])
def test_others_keep_what_the_configuration_says(text: str, tmp_path: Path) -> None:
    with settings_with_state(settings(text), tmp_path) as given:
        assert given.config.state == settings(text).config.state
        assert list(tmp_path.iterdir()) == []


def test_what_a_killed_supervisor_left_behind_is_deleted_and_what_a_living_one_uses_is_not(tmp_path: Path) -> None:
    code = f"""
import signal
from pathlib import Path
from gateway.workers.state_folder import settings_with_state
from tests.harness.configuration import settings
with settings_with_state(settings({WORKERS!r}), Path({str(tmp_path)!r})):
    print("made", flush=True)
    signal.pause()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as living:
        assert living.stdout is not None and living.stdout.readline() == b"made\n"
        (used,) = tmp_path.iterdir()
        (tmp_path / (PREFIX + "link")).symlink_to(tmp_path)
        with settings_with_state(settings(WORKERS), tmp_path):
            assert used.is_dir()
        os.kill(living.pid, signal.SIGKILL)
    assert used.is_dir()
    with settings_with_state(settings(WORKERS), tmp_path):
        assert not used.exists()
    assert [path.name for path in tmp_path.iterdir()] == [PREFIX + "link"]


def test_without_a_folder_for_temporary_files_it_says_what_to_do(tmp_path: Path) -> None:
    said = r"state\.directory: is missing, and there is no folder for temporary files \(No such file or directory\); name a folder"
    with pytest.raises(BadConfig, match=said), settings_with_state(settings(WORKERS), tmp_path / "absent"):
        raise AssertionError("it went on")
