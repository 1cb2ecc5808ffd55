"""Enveloped XML signatures. The text to sign must be canonical XML already.

Owns: the signature element, and the key and certificate that sign.
Must never: sign XML from outside. Only XML that this package wrote itself, in the form of exclusive canonical XML, may be signed.
Rules: XML Signature 1.1 (RSA-SHA256), Exclusive XML Canonicalization 1.0: attributes sorted, no empty-element tags, a namespace declared
where it is first used; `xs` is in InclusiveNamespaces because it is used only in a value.
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from jinja2 import Environment, PackageLoader, StrictUndefined

from gateway.dev.standin.clock import date_time
from gateway.dev.standin.tls import self_signed

_DS = "http://www.w3.org/2000/09/xmldsig#"
_DAYS = 3650


def escaped(text: str) -> str:
    """Return text escaped for canonical XML, between tags."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#xD;")


def quoted(text: str) -> str:
    """Return text escaped for canonical XML, in an attribute."""
    kept = text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return kept.replace("\t", "&#x9;").replace("\n", "&#xA;").replace("\r", "&#xD;")


_TEMPLATES = Environment(  # noqa: S701 - HTML's escapes are not those of canonical XML; the filters are
    loader=PackageLoader("gateway.dev.standin"), undefined=StrictUndefined, trim_blocks=True, auto_reload=False
)
_TEMPLATES.filters |= {"text": escaped, "attribute": quoted, "time": date_time}


def rendered(template: str, **values: object) -> str:
    """Return the XML of a template."""
    return _TEMPLATES.get_template(template).render(values)


@dataclass(frozen=True, slots=True)
class XmlSigner:
    """One signing key, and its certificate in base64 without headers."""

    _key: rsa.RSAPrivateKey = field(repr=False)
    certificate: str

    def signed(self, template: str, **values: object) -> str:
        """Return the XML of a template with a new `id`, and in it the `signature` of its text without any signature."""
        values["id"] = element_id = f"id{secrets.token_hex(16)}"
        digest = hashlib.sha256(rendered(template, **values, signature="").encode()).digest()
        info = rendered("what_is_signed.xml", id=element_id, digest=_encoded(digest))
        # SignedInfo is canonicalised by itself, so it declares the namespace then. In the document Signature declares it.
        alone = info.replace("<ds:SignedInfo>", f'<ds:SignedInfo xmlns:ds="{_DS}">', 1)
        value = _encoded(self._key.sign(alone.encode(), padding.PKCS1v15(), hashes.SHA256()))
        signature = rendered("signature.xml", info=info, value=value, certificate=self.certificate)
        return rendered(template, **values, signature=signature)


def new_signer(name: str) -> XmlSigner:
    """Make a key and its self-signed certificate, valid for ten years."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    certificate = self_signed(key, name, _DAYS)
    return XmlSigner(key, _encoded(certificate.public_bytes(serialization.Encoding.DER)))


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
