"""Reads the configuration from a file and the environment; returns it, or raises with all problems at once.

Owns the order: text, environment, types, keys against each other, secrets, files. Must never stop at the first problem if others can
still be found. Must never start anything or use the network.
"""

import hashlib
import json
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path as File

from pydantic import ValidationError
from yarl import URL

from gateway.config.cautions import cautions
from gateway.config.certificates import Pair, pair_cautions, pair_problem
from gateway.config.checks import advice as limits_of
from gateway.config.checks import conflicts
from gateway.config.environment import SealKeys, misspelt_variables, overlaid, seal_keys
from gateway.config.model import AppTable, Config
from gateway.config.oidc_client import Credential, credential_of
from gateway.config.places import ConfigText, Path, Problem, read_toml
from gateway.config.problems import from_validation, line
from gateway.config.secret_files import Secrets, secrets_in
from gateway.errors import BadConfig
from gateway.shared_state import folder_problem


@dataclass(frozen=True, slots=True)
class Settings:
    """A usable configuration: its values, its seal keys (newest first), and its warnings."""

    config: Config
    seal_keys: tuple[bytes, ...] = field(repr=False)
    warnings: tuple[str, ...]
    written: ConfigText = field(repr=False)
    origins: Mapping[Path, str] = field(repr=False)
    portal_secrets: tuple[str, ...] = field(default=(), repr=False)
    hook_secrets: tuple[str, ...] = field(default=(), repr=False)
    credential: Credential = field(default_factory=Credential, repr=False)
    stamp: bytes = field(default=b"", repr=False)
    """A hash of the CA files and client certificates that the configuration names; it shows whether one was replaced."""

    @property
    def secrets(self) -> tuple[tuple[bytes, ...], tuple[str, ...], tuple[str, ...], Credential]:
        """Everything secret that is not in ``config``."""
        return self.seal_keys, self.portal_secrets, self.hook_secrets, self.credential

    def problem(self, path: Path, text: str) -> str:
        """An error line about one key, with its place, for problems that show only when the configuration is used."""
        return line(self.written, self.origins, path, text)

    @property
    def needs_state_folder(self) -> bool:
        """Whether workers share a state but no folder is configured for it."""
        state = self.config.state
        return self.config.listen.workers > 1 and state.engine != "memory" and not state.is_redis and not state.directory

    def with_state_in(self, folder: File) -> "Settings":
        """The same settings, with the shared state in this folder."""
        state = self.config.state.model_copy(update={"directory": str(folder)})
        return replace(self, config=self.config.model_copy(update={"state": state}))


def load(file: File, environ: Mapping[str, str]) -> Settings:
    """Read and check the configuration. Raises `BadConfig` with one line for each problem, with its place."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise BadConfig((f"{file}: {why}; name a readable TOML file with --config",)) from error
    return read(str(file), text, environ)


def read(name: str, text: str, environ: Mapping[str, str]) -> Settings:
    """Like ``load``, for a text from the file `name`. Files that it names are looked for beside that file."""
    written = read_toml(name, text)
    if isinstance(written, str):
        raise BadConfig((written,))
    overlay = overlaid(written.tables, environ)
    tables, origins = overlay.tables, overlay.origins
    config, problems = _validated(tables, written, origins)
    problems += overlay.problems + misspelt_variables(environ)
    secrets = _secrets(config, tables, name, environ)
    problems += secrets.problems
    if config is None:
        raise BadConfig(problems)
    problems += tuple(line(written, origins, *problem) for problem in conflicts(config))
    problems += _files(config, File(name).parent, written, origins)
    portals, hook = _shown_secrets(config, File(name).parent)
    shown: tuple[tuple[Path, Secrets], ...] = ((("switch", "portal_secrets_file"), portals), (("hooks", "okta_secret_file"), hook))
    problems += tuple(line(written, origins, path, file.problem) for path, file in shown if file.problem)
    credential = credential_of(config, File(name).parent)
    if credential.problem is not None:
        problems += (line(written, origins, *credential.problem),)
    if problems:
        raise BadConfig(problems)
    warnings = tuple(line(written, origins, *caution) for caution in cautions(config))
    warnings += tuple(line(written, origins, path, file.warning) for path, file in shown if file.warning)
    warnings += tuple(line(written, origins, path, f"WARNING: {text}") for path, text in _certificate_cautions(config, File(name).parent))
    stamp = _stamp(config, File(name).parent)
    return Settings(config, secrets.keys, warnings + secrets.warnings, written, origins, portals.secrets, hook.secrets, credential, stamp)


def _stamp(config: Config, folder: File) -> bytes:
    """A hash that changes when a CA file or a client certificate is replaced under its old name."""
    names = [config.okta.ca_file, config.state.ca_file, config.state.client_certificate, config.state.client_key]
    for app in config.apps:
        names += (app.upstream_ca_file, app.upstream_client_certificate, app.upstream_client_key)
    digest = hashlib.sha256()
    for name in filter(None, names):
        digest.update(hashlib.sha256((folder / File(name).expanduser()).read_bytes()).digest())
    return digest.digest()


def advice(settings: Settings) -> tuple[str, ...]:
    """One line for each limit that this kind of configuration has."""
    return tuple(settings.problem(*limit) for limit in limits_of(settings.config))


def _shown_secrets(config: Config, folder: File) -> tuple[Secrets, Secrets]:
    """The secrets that portals and Okta's event hook must show."""
    return secrets_in(config.switch.portal_secrets_file, folder), secrets_in(config.hooks.okta_secret_file, folder)


def _validated(tables: Mapping[str, object], written: ConfigText, origins: Mapping[Path, str]) -> tuple[Config | None, tuple[str, ...]]:
    # As JSON: in pydantic's JSON mode a list may become a tuple, but a text never becomes a number.
    try:
        return Config.model_validate_json(json.dumps(tables, default=str)), ()
    except ValidationError as error:
        return None, from_validation(error.errors(), written, origins)


def _secrets(config: Config | None, tables: Mapping[str, object], name: str, environ: Mapping[str, str]) -> SealKeys:
    """Read the seal keys even if the rest is wrong, so that all problems are reported at once."""
    if config is not None:
        return seal_keys(name, config.seal.keys_file, environ)
    seal = tables.get("seal")
    keys_file = seal.get("keys_file", "") if isinstance(seal, Mapping) else ""
    return seal_keys(name, keys_file if isinstance(keys_file, str) else "", environ)


def _files(config: Config, folder: File, written: ConfigText, origins: Mapping[Path, str]) -> tuple[str, ...]:
    found = [
        *_unusable(certificate_pair(config, folder), ("listen", "tls_certificate"), ("listen", "tls_key")),
        *_ca_file(("okta", "ca_file"), config.okta.ca_file, folder),
        *_state(config, folder),
    ]
    for number, app in enumerate(config.apps):
        found += _ca_file(("app", number, "upstream_ca_file"), app.upstream_ca_file, folder)
        at: Path = ("app", number)
        found += _unusable(client_pair(app, folder), (*at, "upstream_client_certificate"), (*at, "upstream_client_key"))
    return tuple(line(written, origins, path, text) for path, text in found)


def _certificate_cautions(config: Config, folder: File) -> Iterator[Problem]:
    """Why others will refuse certificates that can be loaded."""
    now = datetime.now(UTC)
    pair = certificate_pair(config, folder)
    if pair is not None:
        hosts = [URL(url).host or "" for url in (config.login.url, *(app.url for app in config.apps))]
        yield from ((("listen", "tls_certificate"), text) for text in pair_cautions(pair, hosts, now))
    for number, app in enumerate(config.apps):
        shown = client_pair(app, folder)
        if shown is not None:
            yield from ((("app", number, "upstream_client_certificate"), text) for text in pair_cautions(shown, (), now))


def certificate_pair(config: Config, folder: File) -> Pair | None:
    """The files of the public listener's certificate, looked for in ``folder``; None if the listener speaks plain http."""
    return _pair(folder, config.listen.tls_certificate, config.listen.tls_key)


def client_pair(app: AppTable, folder: File) -> Pair | None:
    """The files of the client certificate for an app's servers, looked for in ``folder``; None if there is none."""
    return _pair(folder, app.upstream_client_certificate, app.upstream_client_key)


def redis_pair(config: Config, folder: File) -> Pair | None:
    """The files of the client certificate for Redis, looked for in ``folder``; None if there is none."""
    return _pair(folder, config.state.client_certificate, config.state.client_key)


def _pair(folder: File, certificate: str, key: str) -> Pair | None:
    return Pair(folder / File(certificate).expanduser(), folder / File(key).expanduser()) if certificate and key else None


def _unusable(pair: Pair | None, certificate: Path, key: Path) -> Iterator[Problem]:
    """What is wrong with the two files, at the key that names the wrong one."""
    problem = pair_problem(pair) if pair is not None else None
    if problem is not None:
        yield key if problem.is_key else certificate, problem.text


def _state(config: Config, folder: File) -> Iterator[Problem]:
    place = state_folder(config, folder)
    problem = folder_problem(place) if place is not None else None
    if problem is not None:
        yield ("state", "directory"), problem
    if config.state.is_redis:
        yield from _ca_file(("state", "ca_file"), config.state.ca_file, folder)
        yield from _unusable(redis_pair(config, folder), ("state", "client_certificate"), ("state", "client_key"))
        for name in ("user_file", "password_file", "sentinel_password_file"):
            found = secret_of(getattr(config.state, name), folder)
            if found.problem:
                yield ("state", name), found.problem


@dataclass(frozen=True, slots=True)
class Secret:
    """The single line of a file; empty if no file is named. ``problem``: why it cannot be read, with the remedy."""

    text: str = field(default="", repr=False)
    problem: str = ""


def secret_of(name: str, folder: File) -> Secret:
    """The secret in the file of this name, looked for in ``folder``."""
    if not name:
        return Secret()
    path = folder / File(name).expanduser()
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "not text"
        return Secret(problem=f"{path}: {why}; name a readable file with one line")
    if not text or "\n" in text:
        return Secret(problem=f"{path}: {'has more than one line' if text else 'is empty'}; write the one word into it")
    return Secret(text)


def state_folder(config: Config, folder: File) -> File | None:
    """The folder of the shared state, relative to ``folder``; None if the state is not on disk."""
    state = config.state
    return folder / File(state.directory).expanduser() if state.directory and state.engine != "memory" and not state.is_redis else None


def _ca_file(key: Path, name: str, folder: File) -> Iterator[Problem]:
    if not name:
        return
    path = folder / File(name).expanduser()
    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:
        why = error.strerror if not isinstance(error, ssl.SSLError) else "holds no certificate in PEM form"
        yield key, f"{path}: {why}; name a readable file of CA certificates"
