"""A certificate with its chain, and the private key that belongs to it: two files in PEM form.

Owns what makes them usable together, and the sentence that says what does not. Must never ask for a passphrase (the terminal would wait for
ever), and never put anything of a key into a sentence. Rules from: RFC 7468, ATTACKS D13.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path as File

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

_COMPARED = (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@dataclass(frozen=True, slots=True)
class Pair:
    """Where both are."""

    certificate: File
    key: File


@dataclass(frozen=True, slots=True)
class PairProblem:
    """What is wrong: with the certificate's file, or with the key's."""

    is_key: bool
    text: str


def pair_problem(pair: Pair) -> PairProblem | None:
    """Why these files cannot be used together; None where they can."""
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


def read_pair(pair: Pair, context: ssl.SSLContext | None = None) -> ssl.SSLContext:
    """A context for servers that holds the pair; raises `OSError` where it cannot be used."""
    context = context or ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key, password=lambda: "")
    return context


def expiry_of(pair: Pair) -> float:
    """When the certificate expires, in Unix time; raises `OSError` where it cannot be read."""
    return x509.load_pem_x509_certificates(pair.certificate.read_bytes())[0].not_valid_after_utc.timestamp()


def _read(file: File) -> bytes | str:
    try:
        return file.read_bytes()
    except OSError as error:
        return f"{file}: {error.strerror}; name a readable file in PEM form"
