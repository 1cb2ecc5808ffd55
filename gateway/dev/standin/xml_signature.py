"""Enveloped XML signatures. The text to sign must be canonical XML already.

Owns: the signature element, and the key and certificate that sign.
Must never: sign XML from outside. Only XML that this package wrote itself, in the form of exclusive canonical XML, may be signed.
Rules: XML Signature 1.1 (RSA-SHA256), Exclusive XML Canonicalization 1.0: attributes sorted, no empty-element tags, a namespace declared
where it is first used; `xs` is in InclusiveNamespaces because it is used only in a value.
"""

import base64
import hashlib
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from gateway.dev.standin.tls import self_signed

_DS = "http://www.w3.org/2000/09/xmldsig#"
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
_DAYS = 3650


@dataclass(frozen=True, slots=True)
class XmlSigner:
    """One signing key, and its certificate in base64 without headers."""

    _key: rsa.RSAPrivateKey = field(repr=False)
    certificate: str

    def signature(self, element_id: str, canonical: str) -> str:
        """Return the signature for the element with this id. The text is the element's canonical text without any signature."""
        digest = _encoded(hashlib.sha256(canonical.encode()).digest())
        info = _signed_info(element_id, digest)
        # SignedInfo is canonicalised by itself, so it declares the namespace then. In the document Signature declares it.
        signed = info.replace("<ds:SignedInfo>", f'<ds:SignedInfo xmlns:ds="{_DS}">', 1)
        value = _encoded(self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))
        return (
            f'<ds:Signature xmlns:ds="{_DS}">{info}<ds:SignatureValue>{value}</ds:SignatureValue><ds:KeyInfo><ds:X509Data>'
            f"<ds:X509Certificate>{self.certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>"
        )


def _signed_info(element_id: str, digest: str) -> str:
    inclusive = f'<ec:InclusiveNamespaces xmlns:ec="{_EXCLUSIVE}" PrefixList="xs"></ec:InclusiveNamespaces>'
    return (
        f'<ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{_EXCLUSIVE}"></ds:CanonicalizationMethod>'
        '<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"></ds:SignatureMethod>'
        f'<ds:Reference URI="#{element_id}"><ds:Transforms>'
        f'<ds:Transform Algorithm="{_DS}enveloped-signature"></ds:Transform>'
        f'<ds:Transform Algorithm="{_EXCLUSIVE}">{inclusive}</ds:Transform></ds:Transforms>'
        '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></ds:DigestMethod>'
        f"<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
    )


def new_signer(name: str) -> XmlSigner:
    """Make a key and its self-signed certificate, valid for ten years."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    certificate = self_signed(key, name, _DAYS)
    return XmlSigner(key, _encoded(certificate.public_bytes(serialization.Encoding.DER)))


def escaped(text: str) -> str:
    """Return text escaped for canonical XML, between tags."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#xD;")


def quoted(text: str) -> str:
    """Return text escaped for canonical XML, in an attribute."""
    kept = text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return kept.replace("\t", "&#x9;").replace("\n", "&#xA;").replace("\r", "&#xD;")


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
