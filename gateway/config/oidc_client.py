"""Checks the keys of the gateway as an OpenID Connect client (``session.source = "oidc"``), and reads the client's secret.

Must never show a secret in a problem's text, use the network, or change a value.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path as File

from yarl import URL

from gateway.config.model import Config
from gateway.config.places import Problem
from gateway.oidc.client_auth import ClientKey

LONGEST_PROOF_SECONDS = 3600.0
LARGEST_KEY_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Credential:
    """How the gateway authenticates: the secret, or the private key in PEM form. ``problem``: what is wrong with its file."""

    secret: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    problem: Problem | None = None


def oidc_conflicts(config: Config) -> Iterator[Problem]:
    """Every problem between these keys that makes the configuration unusable."""
    if config.session.source != "oidc":
        for name in sorted(config.oidc.model_fields_set):
            if getattr(config.oidc, name):
                yield ("oidc", name), 'is of use only with session.source = "oidc"; set that, or leave this key out'
        return
    yield from _client(config)
    yield from _session(config)
    if config.okta.connect_to or config.okta.host:
        name = "connect_to" if config.okta.connect_to else "host"
        yield ("okta", name), 'is for an org behind the gateway; with session.source = "oidc" browsers reach okta.org by themselves'


def _client(config: Config) -> Iterator[Problem]:
    oidc = config.oidc
    if not oidc.client_id:
        yield ("oidc", "client_id"), "is missing; register a web app in the org and write its client id here"
    if bool(oidc.client_secret_file) is bool(oidc.private_key_file):
        both, neither = "given beside client_secret_file; keep one of the two", "missing, and client_secret_file too; name one of them"
        yield ("oidc", "private_key_file"), f"is {both if oidc.private_key_file else neither}"
    if oidc.issuer and str(URL(oidc.issuer).origin()) != str(URL(config.okta.org)).rstrip("/"):
        yield ("oidc", "issuer"), "is at another origin than okta.org; the issuer is the org, or one of its authorization servers"


def _session(config: Config) -> Iterator[Problem]:
    session = config.session
    if not 0 < session.proof_interval <= LONGEST_PROOF_SECONDS:
        yield ("session", "proof_interval"), 'is no time that a proof may count; choose between a few seconds and "1h", such as "5m"'
    for name in ("ttl_with_hook", "grace", "keep_alive"):
        if getattr(session, name) > 0:
            yield ("session", name), 'is about Okta\'s Sessions API; with session.source = "oidc" proof_interval alone counts'


def credential_of(config: Config, folder: File) -> Credential:
    """The client's secret or key, read from its file, which is looked for in ``folder``; an empty one if no file is named."""
    for name in ("client_secret_file", "private_key_file"):
        file = getattr(config.oidc, name)
        if not file:
            continue
        path = folder / File(file).expanduser()
        try:
            text = path.read_text(encoding="ascii").strip()
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "not plain ASCII text"
            return Credential(problem=(("oidc", name), f"{path}: {why}; name a readable file"))
        if not text or len(text) > LARGEST_KEY_BYTES:
            return Credential(problem=(("oidc", name), f"{path}: is empty or too large; write the secret, or the key in PEM form, into it"))
        if name == "client_secret_file":
            return Credential(secret=text)
        try:
            ClientKey("", text)
        except ValueError as error:
            return Credential(problem=(("oidc", name), f"{path}: {error}; `openssl genrsa 2048` makes one"))
        return Credential(private_key=text)
    return Credential()
