"""A certificate with its chain, and its private key: two PEM files.

Checks that they can be used together, and says why not. Must never ask for a passphrase (the process would wait at the terminal without
an end), and never show anything of a key. Rules from: RFC 7468.
"""

import ssl
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path as File

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

_COMPARED = (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@dataclass(frozen=True, slots=True)
class Pair:
    """The paths of the two files."""

    certificate: File
    key: File


@dataclass(frozen=True, slots=True)
class PairProblem:
    """What is wrong, and with which of the two files."""

    is_key: bool
    text: str


def pair_problem(pair: Pair) -> PairProblem | None:
    """Why these files cannot be used together; None if they can."""
    certificate, key = _read(pair.certificate), _read(pair.key)
    if isinstance(certificate, str):
        return PairProblem(False, certificate)
    if isinstance(key, str):
        return PairProblem(True, key)
    try:
        own = x509.load_pem_x509_certificates(certificate)[0]
    except ValueError:
        return PairProblem(False, f"{pair.certificate}: holds no certificate in PEM form; name the file of the certificate and its chain")
    try:
        private = load_pem_private_key(key, None)
    except TypeError:
        return PairProblem(True, f"{pair.key}: needs a passphrase, which nobody is asked for here; store the key without one")
    except ValueError:
        return PairProblem(True, f"{pair.key}: holds no private key in PEM form; name the file of the certificate's key")
    if own.public_key().public_bytes(*_COMPARED) != private.public_key().public_bytes(*_COMPARED):
        return PairProblem(True, f"{pair.key}: is not the key of {pair.certificate}; name the two that were made together")
    try:
        read_pair(pair)
    except OSError as error:
        why = error.reason if isinstance(error, ssl.SSLError) else error.strerror
        return PairProblem(False, f"{pair.certificate}: is refused by OpenSSL ({why}); use a certificate for RSA of 2048 bits or ECDSA")
    return None


def pair_cautions(pair: Pair, hosts: Iterable[str], now: datetime) -> Iterator[str]:
    """Why browsers or servers will refuse this certificate, although it can be loaded. ``hosts``: the names that it must contain."""
    own = x509.load_pem_x509_certificates(pair.certificate.read_bytes())[0]
    begins, ends = own.not_valid_before_utc, own.not_valid_after_utc
    if ends <= now:
        yield f"{pair.certificate}: expired at {ends:%Y-%m-%d %H:%M} UTC; renew it"
    elif begins > now:
        yield f"{pair.certificate}: is valid from {begins:%Y-%m-%d %H:%M} UTC only; check this machine's clock, or use an older one"
    named = tuple(name.lower() for name in _names_of(own))
    missing = [host for host in hosts if not any(_is_named(host.lower(), name) for name in named)]
    if missing:
        borne = ", ".join(named[:5]) or "no name"
        yield f"{pair.certificate}: is for {borne}, and not for {', '.join(missing)}; get one with every host of the gateway"


def _names_of(certificate: x509.Certificate) -> list[str]:
    try:
        alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [*alternative.get_values_for_type(x509.DNSName), *map(str, alternative.get_values_for_type(x509.IPAddress))]


def _is_named(host: str, name: str) -> bool:
    """Whether the name covers the host (RFC 9525 §6.3: a star stands for exactly the first label)."""
    return name == host or (name.startswith("*.") and host.partition(".")[2] == name[2:])


def read_pair(pair: Pair, context: ssl.SSLContext | None = None) -> ssl.SSLContext:
    """A TLS context for servers with this pair. Raises `OSError` if it cannot be used."""
    context = context or ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key, password=lambda: "")
    return context


def expiry_of(pair: Pair) -> float:
    """When the certificate expires, in Unix time. Raises `OSError` if it cannot be read."""
    return x509.load_pem_x509_certificates(pair.certificate.read_bytes())[0].not_valid_after_utc.timestamp()


def _read(file: File) -> bytes | str:
    try:
        return file.read_bytes()
    except OSError as error:
        return f"{file}: {error.strerror}; name a readable file in PEM form"
