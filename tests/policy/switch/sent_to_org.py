"""Requests to the org, read as the login host reads them."""

import base64
import json

from gateway.policy.http.messages import Authority, RequestHead
from gateway.policy.switch.org_requests import read

FORM, JSON = b"application/x-www-form-urlencoded", b"application/json"


def head(target: str, method: str = "GET", *fields: tuple[bytes, bytes]) -> RequestHead:
    return RequestHead(method, target, Authority("login.example.com", 443), fields, True, "127.0.0.1", "127.0.0.1")


def post(target: str, body: bytes, kind: bytes = FORM, *more: tuple[bytes, bytes]) -> object:
    return read(head(target, "POST", (b"Content-Type", kind), *more), body)


def request_object(claims: object, parts: int = 3) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return ".".join(["e30", payload, "sig", "x", "y"][:parts])
