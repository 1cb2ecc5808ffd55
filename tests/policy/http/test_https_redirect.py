"""Where plain http is led."""

import pytest

from gateway.policy.http.https_redirect import redirect_status, secure_address, secure_hosts, speaks_http

HOSTS = secure_hosts(["https://hr.example.com", "https://wiki.example.com:8443", "http://local.localhost:8080", "https://bad host"])


@pytest.mark.parametrize(
    ("host", "address"),
    [
        (b"hr.example.com", "https://hr.example.com/a?b"),
        (b"HR.example.com.:80", "https://hr.example.com/a?b"),
        (b"wiki.example.com", "https://wiki.example.com:8443/a?b"),
        (b"wiki.example.com:8443", "https://wiki.example.com:8443/a?b"),
        (b"local.localhost:8080", None),
        (b"evil.example", None),
        (b"hr.example.com.evil.example", None),
        (b"hr.example.com@evil.example", None),
        (b"", None),
        (b"\xff", None),
    ],
)
def test_only_configured_https_hosts_are_led_to(host: bytes, address: str | None) -> None:
    assert secure_address(HOSTS, host, "/a?b") == address


def test_a_method_is_kept() -> None:
    assert [redirect_status(method) for method in ("GET", "HEAD", "POST", "PROPFIND")] == [301, 301, 308, 308]


def test_a_request_is_told_from_a_handshake() -> None:
    assert speaks_http(b"GET / HTTP/1.1") and speaks_http(b"P")
    assert not any(map(speaks_http, (b"\x16\x03\x01", b"\x80\x2e", b"\r\n", b"")))
