"""Every gateway.toml of deploy/, with the environment that comes with it, is one that `session-gateway check` has nothing against."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from gateway.config import Settings, read
from gateway.config.values import byte_count, host_of, port_of
from gateway.shared_state.database import LARGEST_FILE_BYTES
from tests.deploy.objects import DEPLOY, RUNNING, configuration, containers, environment, gateway_of, of, one, pods
from tests.harness.certificates import certificate
from tests.harness.configuration import SEAL_KEY, SEALED

ROOT_OF_PODS, STATE_OF_PODS = "/run/session-gateway/", "/var/lib/session-gateway"


def _checked(text: str, given: Mapping[str, str], folder: Path) -> Settings:
    """The settings of a pod: files that its Secrets hold are in ``folder`` instead."""
    (folder / "seal").mkdir()
    (folder / "seal" / "seal.keys").write_text(f"{SEAL_KEY}\n")
    (folder / "seal" / "seal.keys").chmod(0o440)
    (folder / "tls").mkdir()
    certificate(folder / "tls")
    (folder / "redis").mkdir()
    (folder / "redis" / "ca.crt").write_bytes((folder / "tls" / "tls.crt").read_bytes())
    for name in ("user", "password", "sentinel-password"):
        (folder / "redis" / name).write_text("secret\n")
        (folder / "redis" / name).chmod(0o440)
    environ = {name: value.replace(ROOT_OF_PODS, f"{folder}/").replace(STATE_OF_PODS, f"{folder}/state") for name, value in given.items()}
    return read(str(folder / "gateway.toml"), text.replace(ROOT_OF_PODS, f"{folder}/"), environ)


@pytest.mark.parametrize("source", RUNNING)
def test_a_pods_configuration_is_usable(source: str, tmp_path: Path) -> None:
    objects = of(source)
    pod, container = gateway_of(objects)
    settings = _checked(configuration(objects), environment(container), tmp_path)
    assert settings.warnings == ()
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    listen, admin = settings.config.listen, settings.config.admin
    assert (host_of(listen.address), port_of(listen.address)) == (None, ports["http"])
    assert (host_of(admin.address), port_of(admin.address)) == (None, ports["admin"])
    assert pod["terminationGracePeriodSeconds"] > listen.drain + container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert len(settings.seal_keys) == 1
    assert settings.config.state.engine == ("redis" if "SESSION_GATEWAY__STATE__ENGINE" in environment(container) else "auto")
    assert bool(listen.tls_certificate) is (source == "chart:everything")


@pytest.mark.parametrize("source", RUNNING)
def test_every_file_that_the_gateway_is_told_of_is_mounted(source: str) -> None:
    for _, pod in pods(of(source)):
        volumes = {volume["name"] for volume in pod.get("volumes", ())}
        for container in containers(pod):
            mounts = {mount["mountPath"]: mount["name"] for mount in container.get("volumeMounts", ())}
            assert set(mounts.values()) <= volumes
            values = (*environment(container).values(), *container.get("args", ()))
            told = [value for value in values if value.startswith(("/run/", "/etc/", "/var/"))]
            assert [path for path in told if not any(f"{path}/".startswith(f"{mount}/") for mount in mounts)] == []


@pytest.mark.parametrize("source", ["chart:defaults", "chart:openshift", "chart:persistent", "kustomize/base"])
def test_the_state_lies_on_a_volume_that_outlives_the_container_and_has_room_for_it(source: str) -> None:
    objects = of(source)
    pod, container = gateway_of(objects)
    folder = environment(container)["SESSION_GATEWAY__STATE__DIRECTORY"]
    (mount,) = (mount for mount in container["volumeMounts"] if mount["mountPath"] == folder)
    (volume,) = (volume for volume in pod["volumes"] if volume["name"] == mount["name"])
    assert not mount.get("readOnly")
    # The file and its log, each as large as it may become: a pod with a fuller volume is evicted.
    claim = [thing["spec"]["resources"]["requests"]["storage"] for thing in objects if thing["kind"] == "PersistentVolumeClaim"]
    room = volume["emptyDir"]["sizeLimit"] if "emptyDir" in volume else claim[0]
    assert byte_count(room + "B") >= 2 * LARGEST_FILE_BYTES


@pytest.mark.parametrize("source", ["chart:sidecar", "sidecar"])
def test_a_sidecars_app_is_where_the_configuration_looks_for_it(source: str) -> None:
    objects = of(source)
    (app,) = tomllib.loads(configuration(objects))["app"]
    listening = app["upstream"].removeprefix("http://")
    assert listening.startswith("127.0.0.1:")
    assert listening in gateway_of(objects)[0]["containers"][0]["command"]


def test_both_gateways_of_the_trial_have_a_usable_configuration() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    text = (DEPLOY / "compose" / "gateway.toml").read_text(encoding="utf-8")
    addresses = set()
    for name in ("gateway-1", "gateway-2"):
        environ = services[name]["environment"]
        assert environ.pop("SESSION_GATEWAY_SEAL_KEYS").startswith("${SESSION_GATEWAY_SEAL_KEYS:?")
        settings = read("gateway.toml", text, {**environ, **SEALED})
        addresses |= {settings.config.listen.address, settings.config.admin.address}
    assert len(addresses) == 4


@pytest.mark.parametrize("name", ["companion.toml", "sidecar.toml"])
def test_the_unit_starts_with_an_example_that_lost_its_seal_table(name: str, tmp_path: Path) -> None:
    whole = (DEPLOY.parent / "config" / name).read_text(encoding="utf-8")
    text = "\n\n".join(part for part in whole.split("\n\n") if not part.startswith("[seal]"))
    assert text != whole
    keys = tmp_path / "seal.keys"
    keys.write_text(SEAL_KEY)
    keys.chmod(0o400)
    environ = {"SESSION_GATEWAY_SEAL_KEYS_FILE": str(keys), "SESSION_GATEWAY__STATE__DIRECTORY": str(tmp_path)}
    said = [warning.partition("WARNING: ")[2] for warning in read(name, text, environ).warnings]
    assert len(said) == (name == "companion.toml") and all(text.startswith("192.0.2.10/32 is an address of examples") for text in said)


def test_the_recipes_ask_services_that_exist() -> None:
    objects = of("chart:defaults")
    ports = {port["port"] for port in one(objects, "Service", "session-gateway")["spec"]["ports"]}
    assert ports == {8080}
