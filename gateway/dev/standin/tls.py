"""TLS for the stand-in: makes a certificate that is valid only for names of this machine.

Owns: the certificate and its file.
Must never: put a name of another machine into the certificate.
"""

import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.dev.standin.self_signed import self_signed

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
