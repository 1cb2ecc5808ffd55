"""Translates an error of a socket or of TLS into one word that says why a server cannot be reached, and a detail.

    OSError ─▶ refused · dns · reset · unknown_ca · certificate_expired · certificate_of_another · tls_to_plain · tls · …

Owns these words; ``gateway/observe/reasons/`` says what to do about each. A detail must never hold anything but the name of an error: no
text of a server, no certificate. Sources: errno(3), OpenSSL's X509_V_ERR codes and reason codes.
"""

import errno
import socket
import ssl
from typing import Final, NamedTuple

_BY_ERRNO: Final = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "reset",
    errno.EPIPE: "reset",
    errno.ECONNABORTED: "reset",
    errno.EHOSTUNREACH: "no_route",
    errno.ENETUNREACH: "no_route",
    errno.ETIMEDOUT: "timed_out",
    errno.ENOENT: "no_socket",
    errno.EACCES: "not_permitted",
    errno.EPERM: "not_permitted",
    errno.EMFILE: "no_files_left",
    errno.ENFILE: "no_files_left",
    errno.EADDRNOTAVAIL: "no_ports_left",
}
_UNKNOWN_CA: Final = (2, 18, 19, 20, 21)
"""X509_V_ERR codes: the issuer is missing, or a certificate of the chain is self-signed."""
_NOT_VALID_NOW: Final = (9, 10)
_OF_ANOTHER: Final = (62, 63, 64)
"""X509_V_ERR codes: the certificate is for another host name, mail address or IP address."""
_NO_TLS: Final = (
    "WRONG_VERSION_NUMBER",
    "RECORD_LAYER_FAILURE",
    "HTTP_REQUEST",
    "PACKET_LENGTH_TOO_LONG",
    "UNKNOWN_PROTOCOL",
    "HTTPS_PROXY_REQUEST",
)
_ASKS_FOR_OURS: Final = ("CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE", "BAD_CERTIFICATE", "CERTIFICATE_UNKNOWN", "ALERT_UNKNOWN_CA")


class Cause(NamedTuple):
    """Why a connection failed. ``word``: one of a short list. ``detail``: the name of the error, such as ECONNREFUSED."""

    word: str
    detail: str = ""


def cause_of(error: BaseException) -> Cause:
    """The cause of a connection that could not be made, or that broke."""
    match error:
        case ssl.SSLCertVerificationError():
            return Cause(_of_certificate(error.verify_code), f"X509_V_ERR {error.verify_code}")
        case ssl.SSLError():
            return _of_tls(error.reason or type(error).__name__)
        case socket.gaierror():
            return Cause("dns", "no such name")
        case TimeoutError() if error.errno is None:
            return Cause("timed_out")
        case OSError():
            code = error.errno or _code_of(error)
            return Cause(_BY_ERRNO.get(code, "failed"), errno.errorcode.get(code, type(error).__name__))
        case _:
            return Cause("failed", type(error).__name__)


def _of_certificate(code: int) -> str:
    if code in _UNKNOWN_CA:
        return "unknown_ca"
    if code in _NOT_VALID_NOW:
        return "certificate_expired"
    return "certificate_of_another" if code in _OF_ANOTHER else "certificate"


def _of_tls(reason: str) -> Cause:
    if reason in _NO_TLS:
        return Cause("tls_to_plain", reason)
    return Cause("asks_for_certificate" if reason.endswith(_ASKS_FOR_OURS) else "tls", reason)


def _code_of(error: OSError) -> int:
    """The errno of an error that asyncio made without one; 0 if unknown."""
    match error:
        case ConnectionRefusedError():
            return errno.ECONNREFUSED
        case ConnectionResetError() | ConnectionAbortedError() | BrokenPipeError():
            return errno.ECONNRESET
        case _:
            return 0
