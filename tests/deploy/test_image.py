"""The Containerfile: two stages, pinned packages, nobody but user 65532 at the end, and no shell anywhere."""

import json
import re
import tomllib
from typing import NamedTuple

import pytest
import yaml

from gateway import __version__
from tests.deploy.objects import DEPLOY, ROOT, gateway_of, of


class Instruction(NamedTuple):
    """One instruction and what follows it."""

    name: str
    rest: str


def _instructions(text: str) -> list[Instruction]:
    lines = re.sub(r"\\\n", " ", text).splitlines()
    words = (line.split(maxsplit=1) for line in lines if line.strip() and not line.lstrip().startswith("#"))
    return [Instruction(name.upper(), rest.strip()) for name, rest in words]


FILE = _instructions((DEPLOY / "Containerfile").read_text(encoding="utf-8"))
LAST_STAGE = FILE[max(place for place, instruction in enumerate(FILE) if instruction.name == "FROM") :]


def _rests(name: str, of_what: list[Instruction] = FILE) -> list[str]:
    return [instruction.rest for instruction in of_what if instruction.name == name]


def test_two_images_are_named_whole_and_none_is_the_latest() -> None:
    images = [rest.split()[0] for rest in _rests("FROM")]
    assert len(images) == 2
    for image in images:
        assert re.fullmatch(r"[a-z.]+/[a-z0-9/-]+:[a-z0-9.-]+", image)
        assert not image.endswith(":latest")


def test_every_command_is_a_list_and_needs_no_shell() -> None:
    commands = [*_rests("RUN"), *_rests("ENTRYPOINT"), *_rests("CMD")]
    assert len(commands) >= 5
    for command in commands:
        words = json.loads(command)
        assert all(isinstance(word, str) for word in words)
        assert not {"sh", "bash", "/bin/sh"} & set(words)
    assert _rests("SHELL") == []
    assert _rests("ADD") == []


def test_the_image_runs_as_a_user_by_number() -> None:
    assert _rests("USER", LAST_STAGE) == ["65532:65532"]
    assert _rests("RUN", LAST_STAGE) == []
    assert json.loads(_rests("ENTRYPOINT", LAST_STAGE)[0]) == ["/opt/session-gateway/bin/session-gateway"]
    for source in ("chart:defaults", "kustomize/base", "sidecar"):
        pod, container = gateway_of(of(source))
        assert {**pod["securityContext"], **container["securityContext"]}["runAsUser"] == 65532


def test_the_default_command_is_one_of_the_program() -> None:
    assert json.loads(_rests("CMD", LAST_STAGE)[0]) == ["run", "--config", "/etc/session-gateway/gateway.toml"]


def test_whatever_is_copied_exists_and_is_not_ignored() -> None:
    copied = [source for rest in _rests("COPY") if not rest.startswith("--from") for source in rest.split()[:-1]]
    assert {"gateway", "config", "pyproject.toml", "requirements.txt"} <= {source.removeprefix("./") for source in copied}
    assert [source for source in copied if not (ROOT / source).exists()] == []
    ignored = (DEPLOY / "Containerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignored[0] == "*"
    assert {f"!{source}" for source in copied} == {line for line in ignored if line.startswith("!")}


def test_everything_that_the_build_reads_is_copied() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    read = {
        *project["project"]["license-files"],
        project["project"]["readme"],
        *project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"],
    }
    read |= set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"])
    read.add(project["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]["path"])
    copied = {source for rest in _rests("COPY") if not rest.startswith("--from") for source in rest.split()[:-1]}
    assert read <= copied


def test_the_packages_are_the_pinned_ones() -> None:
    installs = [words for rest in _rests("RUN") if "install" in (words := json.loads(rest)) and words[0].endswith("/pip")]
    assert len(installs) == 1
    assert installs[0][installs[0].index("--constraint") + 1] == "requirements.txt"
    assert installs[0][installs[0].index("--only-binary") + 1] == ":all:"
    (environ,) = _rests("ENV", FILE[: -len(LAST_STAGE)])
    assert environ.split() == ["HATCH_BUILD_HOOK_ENABLE_CUSTOM=true", "PIP_CONSTRAINT=/build/requirements.txt"]
    assert "WORKDIR /build" in (f"{one.name} {one.rest}" for one in FILE)


def test_the_compiler_stays_behind() -> None:
    (packages,) = (words for rest in _rests("RUN") if "install" in (words := json.loads(rest)) and words[0] == "apt-get")
    assert {"gcc", "python3-dev"} <= set(packages)
    assert _rests("COPY", LAST_STAGE) == [
        "--from=build /opt/session-gateway /opt/session-gateway",
        "--from=build --chown=65532:65532 /state /var/lib/session-gateway",
    ]
    assert ["mkdir", "/state"] in [json.loads(rest) for rest in _rests("RUN")]


@pytest.mark.parametrize("service", ["gateway-1", "gateway-2", "org", "app"])
def test_the_trial_builds_this_very_image(service: str) -> None:
    described = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"][service]
    assert described["image"] == f"session-gateway:{__version__}"
    assert (DEPLOY / described["build"]["context"]).resolve() == ROOT
    assert (ROOT / described["build"]["dockerfile"]).is_file()
