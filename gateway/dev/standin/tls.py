"""TLS for the stand-in: makes a certificate that is valid only for names of this machine.

Owns: the certificate and its file, and the form of all self-signed certificates of the stand-in.
Must never: put a name of another machine into the certificate.
"""

import ipaddress
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

_EARLIER = timedelta(days=1)
"""Certificates are valid since yesterday, for machines whose clocks are slow."""


def self_signed(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
    name: str,
    days: int,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
) -> x509.Certificate:
    """Return a certificate with this name for this key, valid for so many days. `True` beside an extension makes it critical."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + timedelta(days=days))
    )
    for extension, is_critical in extensions:
        builder = builder.add_extension(extension, critical=is_critical)
    return builder.sign(key, hashes.SHA256())


_NAMES = ("localhost", "org.localhost", "evil.localhost", "*.example.localhost")
_DAYS = 30


def made_context(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Make a certificate in this folder, and return a server's context with it and the file that clients may trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    names = [*map(x509.DNSName, _NAMES), x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.IPAddress(ipaddress.ip_address("::1"))]
    extensions = ((x509.SubjectAlternativeName(names), False), (x509.BasicConstraints(ca=True, path_length=0), True))
    certificate = self_signed(key, "stand-in org", _DAYS, extensions)
    trusted, secret = folder / "org.pem", folder / "org.key"
    trusted.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.touch(mode=0o600)
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted, secret)
    return context, trusted
