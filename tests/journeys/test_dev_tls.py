"""`session-gateway dev --tls`: the same demonstration by https."""

import io
import ssl

import aiohttp

from gateway.dev.command import Demonstration, DemoOptions
from gateway.observe import Log
from tests.harness.demonstration import NAVIGATION, EveryNameIsHere

ALICE = "alice@example.com"


async def test_a_browser_that_trusts_the_certificate_of_the_run_signs_in_by_https() -> None:
    demonstration = Demonstration(DemoOptions(0, 0, tls=True), Log("debug", stream=io.StringIO()))
    await demonstration.start()
    try:
        where, certificate, org = demonstration.where, demonstration.certificate, demonstration.org
        assert certificate is not None and org is not None and where.login.startswith("https://login.example.localhost:")
        assert any(str(certificate) in line for line in demonstration.places())
        trust = ssl.create_default_context(cafile=str(certificate))
        connector = aiohttp.TCPConnector(resolver=EveryNameIsHere(), use_dns_cache=False, ssl=trust)
        async with aiohttp.ClientSession(connector=connector, headers=NAVIGATION) as client:
            async with client.get(f"{where.login}/oauth2/default/.well-known/openid-configuration") as answer:
                assert (await answer.json())["issuer"] == f"{where.login}/oauth2/default"
            link = f"{where.login}/login/sessionCookieRedirect?token={org.session_token(ALICE)}&redirectUrl={where.app}/"
            async with client.get(link, headers={"Sec-Fetch-Site": "same-site"}) as answer:
                assert answer.status == 200 and str(answer.url) == f"{where.app}/" and ALICE in await answer.text()
    finally:
        await demonstration.aclose()
    assert not certificate.exists(), "it is gone with the run"
