"""A server of a client that checks its tokens with PyPI's okta-jwt-verifier, unchanged: a program of its own, as the client's would be.

It gets its arguments as one JSON object: redeems a session token at /authorize, exchanges the code, checks both tokens in both ways of the
library, and prints one JSON line. Certificates are trusted by SSL_CERT_FILE and REQUESTS_CA_BUNDLE, as everywhere.
"""

import asyncio
import json
import socket
import sys
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from okta_jwt_verifier import AccessTokenVerifier, IDTokenVerifier  # type: ignore[import-untyped]  # it brings no types
from okta_jwt_verifier.exceptions import JWTValidationException  # type: ignore[import-untyped]  # it brings no types

SECONDS = 10
_resolve = socket.getaddrinfo


def _is_here(host: Any, *more: Any, **named: Any) -> Any:
    """Names under .localhost are this machine (RFC 6761 section 6.3); not every resolver knows that."""
    return _resolve("127.0.0.1" if str(host).endswith(".localhost") else host, *more, **named)


def _tokens(asked: dict[str, str]) -> dict[str, str]:
    issuer, client = asked["issuer"], {"client_id": asked["client_id"]}
    question = client | {"redirect_uri": asked["back"], "response_type": "code", "scope": "openid email", "state": "s", "nonce": "n"}
    question |= {"sessionToken": asked["session_token"]}
    sent = requests.get(f"{issuer}/v1/authorize", params=question, allow_redirects=False, timeout=SECONDS)
    code = parse_qs(urlsplit(sent.headers["Location"]).query)["code"][0]
    form = client | {"grant_type": "authorization_code", "code": code, "redirect_uri": asked["back"], "client_secret": asked["secret"]}
    found: dict[str, str] = requests.post(f"{issuer}/v1/token", data=form, timeout=SECONDS).json()
    return found


async def _checked(asked: dict[str, str], tokens: dict[str, str]) -> dict[str, str]:
    """What the library says of each token: empty for a good one."""
    access = AccessTokenVerifier(issuer=asked["issuer"], audience="api://default")
    ident = IDTokenVerifier(issuer=asked["issuer"], client_id=asked["client_id"], audience="api://default")
    stranger = IDTokenVerifier(issuer=asked["issuer"], client_id="0oaStranger", audience="api://default")
    await access.verify(tokens["access_token"])
    await ident.verify(tokens["id_token"], nonce="n")
    access.verify_sync(tokens["access_token"])
    ident.verify_sync(tokens["id_token"], nonce="n")
    head, claims, signature = tokens["access_token"].split(".")
    forged = f"{head}.{claims}.{signature[::-1]}"
    return {
        "forged": await _refusal(access.verify(forged)),
        "other nonce": await _refusal(ident.verify(tokens["id_token"], nonce="m")),
        "other client": await _refusal(stranger.verify(tokens["id_token"], nonce="n")),
        "other issuer": await _refusal(AccessTokenVerifier(issuer=f"{asked['issuer']}2").verify(tokens["access_token"])),
    }


async def _refusal(check: Any) -> str:
    try:
        await check
    except JWTValidationException as refusal:
        return str(refusal)
    return ""


def main() -> None:
    """Write what came of it."""
    socket.getaddrinfo = _is_here
    asked = json.loads(sys.argv[1])
    sys.stdout.write(json.dumps(asyncio.run(_checked(asked, _tokens(asked)))) + "\n")


if __name__ == "__main__":
    main()
