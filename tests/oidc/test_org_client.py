"""What the gateway believes of the org's OpenID Connect endpoints, asked over a real socket."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import OctKey

from gateway.clock import Clock
from gateway.dev.standin import Client, Fault, Org, RunningOrg, serve
from gateway.errors import Nonsense
from gateway.oidc import ClientKey, ClientProof, ClientSecret, OrgClient, OrgClientRules
from gateway.outbound import Destination, Timeouts, open_client
from gateway.policy.oidc.bounces import AuthorizeRequest, Bounce, Unclear, address_of
from gateway.policy.oidc.id_tokens import Proof
from tests.harness.clock import ScriptedClock

CLIENT, SECRET, REDIRECT = "0oaGateway", "secret-of-the-client", "https://gate.example.com/.gateway/oidc"
BOUNCE = Bounce("page", "", "none", "nonce-1", "v" * 43, "browser", 0.0)
METADATA = "/.well-known/openid-configuration"


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


RSA_KEY = pem(rsa.generate_private_key(65537, 2048))


@dataclass
class ReachableOrg:
    """The org, and a way to it; ``times`` moves the gateway's clock."""

    org: Org
    running: RunningOrg
    opened: AsyncExitStack
    times: ScriptedClock

    async def client(self, proof: ClientProof | None = None, issuer: str = "") -> OrgClient:
        timeouts = Timeouts(2.0, 5.0, 5.0)
        asking = open_client(timeouts, 5)
        self.opened.push_async_callback(asking.close)
        rules = OrgClientRules(issuer or self.running.url, AuthorizeRequest(CLIENT, REDIRECT))
        where = Destination(self.running.url, urlsplit(self.running.url).netloc)
        clock = Clock(lambda: 1000.0 + self.times.passed, self.org.clock.now)
        return OrgClient(rules, proof or ClientSecret(CLIENT, SECRET), asking, where, timeouts, clock)

    async def code(self, client: OrgClient, login: str = "alice@example.com", scope: str = "openid profile") -> str:
        """A code for this user's living session."""
        session = self.org.sign_in(login)
        endpoint = (await client.metadata()).authorization_endpoint
        url = address_of(endpoint, AuthorizeRequest(CLIENT, REDIRECT, scope), BOUNCE, "state-1")
        sent = {"Cookie": f"sid={session.sid}"}
        async with aiohttp.ClientSession() as browser, browser.get(url, headers=sent, allow_redirects=False) as response:
            return parse_qs(urlsplit(response.headers["Location"]).query)["code"][0]

    def asked(self, path: str) -> int:
        return sum(row.path == path for row in self.org.journal.rows)


@pytest.fixture
async def provider() -> AsyncIterator[ReachableOrg]:
    async with AsyncExitStack() as opened:
        org = Org(clients=[Client(CLIENT, (REDIRECT,), SECRET)])
        running = await serve(org, "127.0.0.1", 0)
        opened.push_async_callback(running.aclose)
        yield ReachableOrg(org, running, opened, ScriptedClock())


async def redeemed(client: OrgClient, code: str) -> Proof | Unclear:
    return await client.redeemed(code, BOUNCE.verifier, BOUNCE.nonce)


async def test_a_code_names_its_user_once(provider: ReachableOrg) -> None:
    client = await provider.client()
    code = await provider.code(client)
    found = await redeemed(client, code)
    assert isinstance(found, Proof)
    assert found.login == "alice@example.com"
    assert await redeemed(client, code) == Unclear("code_used")
    assert provider.asked(METADATA) == provider.asked("/oauth2/v1/keys") == 1


@pytest.mark.parametrize("key", [RSA_KEY, pem(ec.generate_private_key(ec.SECP256R1()))])
async def test_a_private_key_shows_who_asks_and_each_assertion_is_new(provider: ReachableOrg, key: str) -> None:
    proof = ClientKey(CLIENT, key)
    provider.org.clients.register(Client(CLIENT, (REDIRECT,), public_key=proof.public_jwk))
    client = await provider.client(proof)
    for _ in range(2):
        assert isinstance(await redeemed(client, await provider.code(client)), Proof)
    stranger = await provider.client(ClientKey(CLIENT, RSA_KEY if key != RSA_KEY else pem(rsa.generate_private_key(65537, 2048))))
    assert await redeemed(stranger, await provider.code(client)) == Unclear("token_invalid_client")
    assert "d" not in proof.public_jwk


@pytest.mark.parametrize(
    "key",
    [
        "",
        "secret",
        pem(rsa.generate_private_key(65537, 1024)),  # noqa: S505 - it must be refused
        pem(ec.generate_private_key(ec.SECP384R1())),
        RSA_KEY.replace("M", "N"),
    ],
)
def test_a_file_that_holds_no_good_key_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="holds"):
        ClientKey(CLIENT, key)


async def test_a_wrong_secret_a_wrong_nonce_and_a_wrong_verifier_prove_nothing(provider: ReachableOrg) -> None:
    client = await provider.client()
    wrong = await provider.client(ClientSecret(CLIENT, "another secret"))
    assert await redeemed(wrong, await provider.code(client)) == Unclear("token_invalid_client")
    assert await client.redeemed(await provider.code(client), BOUNCE.verifier, "nonce-2") == Unclear("id_token_nonce")
    assert await client.redeemed(await provider.code(client), "w" * 43, BOUNCE.nonce) == Unclear("code_used")


async def test_metadata_of_another_issuer_or_with_an_endpoint_elsewhere_are_refused_and_asked_for_again_later(
    provider: ReachableOrg,
) -> None:
    client = await provider.client(issuer=provider.running.url.replace("127.0.0.1", "localhost"))
    for _ in range(3):
        with pytest.raises(Nonsense):
            await client.metadata()
    assert provider.asked(METADATA) == 1
    provider.times.passed = 2.0
    with pytest.raises(Nonsense):
        await client.metadata()
    assert provider.asked(METADATA) == 2
    good = await provider.client()
    said = await _said(provider)
    provider.org.faults.add(Fault(METADATA, "GET", 200, body={**said, "token_endpoint": "https://evil.example/token"}))
    with pytest.raises(Nonsense, match="another origin"):
        await good.metadata()


async def _said(provider: ReachableOrg) -> Mapping[str, object]:
    async with aiohttp.ClientSession() as client, client.get(provider.running.url + METADATA) as response:
        content: Mapping[str, object] = await response.json()
        return content


async def test_a_token_that_another_key_signed_proves_nothing_until_the_new_key_is_fetched(provider: ReachableOrg) -> None:
    client = await provider.client()
    assert isinstance(await redeemed(client, await provider.code(client)), Proof)
    provider.org.rotate_signing_key()
    assert await redeemed(client, await provider.code(client)) == Unclear("id_token_signature")
    assert provider.asked("/oauth2/v1/keys") == 1
    provider.times.passed = 60.0
    assert isinstance(await redeemed(client, await provider.code(client)), Proof)
    assert provider.asked("/oauth2/v1/keys") == 2


@pytest.mark.parametrize("token", ["", "a.b.c", "x" * 1000, jwt.encode({"alg": "HS256"}, {"sub": "x"}, OctKey.import_key("k" * 32))])
async def test_a_token_that_is_none_of_the_orgs_proves_nothing(provider: ReachableOrg, token: str) -> None:
    client = await provider.client()
    code = await provider.code(client)
    provider.org.faults.add(Fault("/oauth2/v1/token", "POST", 200, body={"id_token": token, "access_token": "a"}))
    assert await redeemed(client, code) in (Unclear("id_token_signature"), Unclear("token_refused"))


async def test_a_login_that_the_token_leaves_out_is_asked_of_userinfo(provider: ReachableOrg) -> None:
    client = await provider.client()
    found = await redeemed(client, await provider.code(client, scope="openid"))
    assert found == Unclear("no_login")
    user = provider.org.known_user("alice@example.com")
    provider.org.faults.add(Fault("/oauth2/v1/userinfo", "GET", 200, body={"sub": user.id, "preferred_username": user.login}))
    found = await redeemed(client, await provider.code(client, scope="openid"))
    assert isinstance(found, Proof)
    assert found.login == user.login


@pytest.mark.parametrize("body", ["not json", [1], "x" * 100_000])
async def test_an_answer_that_is_no_object_is_nonsense(provider: ReachableOrg, body: object) -> None:
    client = await provider.client()
    code = await provider.code(client)
    provider.org.faults.add(Fault("/oauth2/v1/token", "POST", 200, body=body))
    with pytest.raises(Nonsense):
        await redeemed(client, code)
