"""Rows F1 to F11: forwarding fields (`X-Forwarded-*` and the like) are ignored, unless a trusted proxy sent them.

F12 to F15 belong to the sub-request door (``test_subrequests``). F16 is about the PROXY protocol, which a later issue brings. F17 is tested
with F3.
"""

import itertools

import pytest

from tests.harness.browser import ALICE, HR, LOGIN, WIKI
from tests.harness.configuration import SMALLEST, problems, settings
from tests.harness.replies import RawReply, told
from tests.harness.site import FETCH, LOCAL, NAVIGATE, Site, deployed

ABOUT_THE_WAY = (
    *("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Server", "X-Forwarded-Ssl"),
    *("X-Forwarded-Scheme", "X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups", "X-Forwarded-Client-Cert", "X-Forwarded"),
    *("Forwarded", "Forwarded-For", "X-Real-IP", "True-Client-IP", "X-Client-IP", "Client-IP", "X-Cluster-Client-IP", "X-Scheme"),
    *("CF-Connecting-IP", "Fastly-Client-IP", "Fly-Client-IP", "X-Original-Forwarded-For", "X-Envoy-External-Address", "X-Remote-IP"),
    *(
        "X-Remote-Addr",
        "X-Originating-IP",
        "WL-Proxy-Client-IP",
        "Proxy-Client-IP",
        "X-Azure-ClientIP",
        "X-ProxyUser-Ip",
        "Front-End-Https",
    ),
)


def last_line(site: Site) -> dict[str, object]:
    """The access log's line about the last request."""
    return [line for line in site.lines if line["event"] == "request"][-1]


@pytest.mark.parametrize(
    "name", ["X-Forwarded-Uri", "X-Forwarded-Method", "X-Original-URL", "X-Original-URI", "X-Rewrite-URL", "X-Forwarded-Path"]
)
async def test_f1_the_path_that_is_judged_is_the_one_that_was_asked_for(site: Site, behind_a_proxy: Site, name: str) -> None:
    for place in (site, behind_a_proxy):
        for value in ("/public/x", "OPTIONS"):
            field = f"{name}: {value}\r\nX-Forwarded-Host: hr.example.com\r\n".encode()
            assert (await place.ask("/admin", FETCH + field)).status == 401
            assert (await place.ask("/admin", NAVIGATE + field)).location.startswith(f"{LOGIN}/.gateway/handoff?start=")
        assert place.behind.visits == []


def test_f2_nobody_is_trusted_until_named_and_everybody_only_in_so_many_words() -> None:
    assert settings().config.listen.trusted_proxies == ()
    for everybody in ("0.0.0.0/0", "::/0"):
        trusting = f'[listen]\ntrusted_proxies = ["10.0.0.0/8", "{everybody}"]\n'
        (problem,) = problems(trusting + SMALLEST)
        assert "insecure_trust_all_proxies" in problem
        warned = settings(trusting + "insecure_trust_all_proxies = true\n" + SMALLEST).warnings
        assert any("WARNING" in line and "insecure_trust_all_proxies" in line for line in warned)
    assert settings().warnings == ()


async def test_f3_an_untrusted_peer_is_told_by_its_own_address(site: Site) -> None:
    """F17 too: the log keeps the peer and the client that is believed apart."""
    cookie = await site.signed_in()
    for name in ABOUT_THE_WAY:
        for value in ("10.0.0.1", "for=10.0.0.1;host=evil.example;proto=http"):
            assert (await site.ask("/", cookie + f"{name}: {value}\r\n".encode())).status == 200
            assert b"10.0.0.1" not in site.behind.last.head, name
            assert told(site.behind.last, "X-Forwarded-For") == ["127.0.0.1"]
            assert (last_line(site)["peer"], last_line(site)["client"]) == ("127.0.0.1", "127.0.0.1")


@pytest.mark.parametrize(
    ("claimed", "client"),
    [
        (["1.2.3.4, evil, 10.0.0.5"], "unknown"),
        (["1.2.3.4, 5.6.7.8, 10.0.0.5"], "5.6.7.8"),
        (["1.2.3.4", "5.6.7.8", "10.0.0.5"], "5.6.7.8"),
        (["10.0.0.4, 10.0.0.5"], "10.0.0.4"),
        (["evil, 5.6.7.8"], "5.6.7.8"),
        (["5.6.7.8:4711"], "5.6.7.8"),
        (["[2001:db8::1]:4711"], "2001:db8::1"),
        (["::ffff:10.0.0.5"], "10.0.0.5"),
        (["1.2.3.4,"], "unknown"),
        ([""], "unknown"),
        (["1.2.3.4, 0x0a000005"], "unknown"),
        (["1.2.3.4, 10.0.0.5%eth0"], "unknown"),
        (["1.2.3.4, 010.0.0.5"], "unknown"),
        (["\u0661.2.3.4"], "unknown"),
        ([f"{', '.join(['10.0.0.5'] * 2000)}"], "10.0.0.5"),
    ],
)
async def test_f5_the_client_is_the_right_most_address_that_is_no_proxy(behind_a_proxy: Site, claimed: list[str], client: str) -> None:
    cookie = await behind_a_proxy.signed_in()
    fields = "".join(f"X-Forwarded-For: {value}\r\n" for value in claimed).encode()
    assert (await behind_a_proxy.ask("/", cookie + fields)).status == 200
    assert last_line(behind_a_proxy)["client"] == client
    assert told(behind_a_proxy.behind.last, "X-Forwarded-For") == ([] if client == "unknown" else [client])


@pytest.mark.parametrize("name", ["X-Forwarded-Host", "X-Host", "X-Original-Host", "X-Forwarded-Server", "Forwarded", "X_Forwarded_Host"])
async def test_f6_addresses_and_cookies_are_those_of_the_configuration(site: Site, behind_a_proxy: Site, name: str) -> None:
    for place in (site, behind_a_proxy):
        field = f"{name}: {'host=' if name == 'Forwarded' else ''}evil.example\r\n".encode()
        begun = [await place.ask(path, NAVIGATE + field) for path in ("/", "/.gateway/sign-in?to=/x")]
        ended = await place.ask("/.gateway/sign-out", field + b"Sec-Fetch-Site: same-origin\r\n", method="POST")
        json = await place.ask("/.gateway/session", FETCH + field)
        for reply in (*begun, ended):
            assert reply.location.startswith(f"{LOGIN}/.gateway/")
        for reply in (*begun, ended, json):
            assert b"evil.example" not in reply.raw and b"domain=" not in reply.raw.lower()


@pytest.mark.parametrize(
    "host", ["evil.example", "hr.example.com.evil.example", "127.0.0.1", "localhost", "login.example.com.", "xhr.example.com"]
)
async def test_f6_a_host_that_is_not_configured_does_not_exist(site: Site, host: str) -> None:
    reply = await site.ask("/public/x", FETCH + b"X-Forwarded-Host: hr.example.com\r\n", origin=f"https://{host}")
    assert (reply.status, site.behind.visits) == (421 if host != "login.example.com." else 404, [])


@pytest.mark.parametrize("name", ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP", "Forwarded-For"])
async def test_f8_aliases_of_forwarded_fields_never_reach_the_app(site: Site, behind_a_proxy: Site, name: str) -> None:
    for place in (site, behind_a_proxy):
        cookie = await place.signed_in()
        parts = name.split("-")
        for separators in itertools.product("_.-~", repeat=len(parts) - 1):
            spelling = "".join(itertools.chain.from_iterable(zip(parts, (*separators, ""), strict=True)))
            if spelling.lower() == "x-forwarded-for":
                continue  # the one that a trusted proxy may set: F5
            for case in (str.title, str.lower, str.upper):
                assert (await place.ask("/", cookie + f"{case(spelling)}: evil\r\n".encode())).status == 200
                assert b"evil" not in place.behind.last.head
                assert len(told(place.behind.last, name)) == (0 if name in ("X-Real-IP", "Forwarded-For") else 1)


async def test_f10_the_scheme_is_that_of_the_public_address(site: Site, behind_a_proxy: Site) -> None:
    """Rules do not ask for a scheme here: a host is https or it is not, and no field can turn one into the other."""
    for place in (site, behind_a_proxy):
        for origin, scheme, lie in ((LOCAL, "http", b"https"), (HR, "https", b"http"), (WIKI, "https", b"http")):
            cookie = await place.signed_in(ALICE, origin)
            for field in (
                b"X-Forwarded-Proto: ",
                b"X-Forwarded-Scheme: ",
                b"X_Forwarded_Proto: ",
                b"X-Forwarded-Ssl: ",
                b"Forwarded: proto=",
            ):
                assert (await place.ask("/", cookie + field + lie + b"\r\n", origin=origin)).status == 200
                assert told(place.behind.last, "X-Forwarded-Proto") == [scheme]
        begun = await place.ask("/", NAVIGATE + b"X-Forwarded-Proto: http\r\n")
        assert begun.location.startswith("https://") and "; Secure" in begun.values("Set-Cookie")[0]
        assert (await place.ask("/", FETCH + b"X-Forwarded-Proto: https\r\n", origin="http://local.localhost")).status == 421


@pytest.mark.parametrize("agent", ["GoogleHC/1.0", "kube-probe/1.36", "ELB-HealthChecker/2.0", "Prometheus/3.0", "Envoy/HC"])
async def test_f11_no_user_agent_opens_a_door(site: Site, agent: str) -> None:
    for target in ("/admin", "/healthz", "/readyz", "/metrics", "/ping", "/"):
        reply = await site.ask(target, FETCH + f"User-Agent: {agent}\r\n".encode())
        assert reply.status == 401
    assert site.behind.visits == []


@pytest.mark.parametrize("target", ["/healthz", "/readyz", "/metrics"])
async def test_f11_health_answers_at_exact_paths_of_the_admin_address(site: Site, target: str) -> None:
    async def asked(path: str) -> RawReply:
        return await site.ask(path, b"User-Agent: kube-probe/1.36\r\n", port=site.gateway.admin_port, origin="http://127.0.0.1")

    assert (await asked(target)).status == 200
    for other in (f"{target}/", f"/{target}", f"{target}%20", target.upper(), f"/x/..{target}", f"{target};x", f"/public{target}"):
        assert (await asked(other)).status in (400, 404)
    assert site.behind.visits == []


async def test_f5_an_address_that_every_proxy_claims_to_have_is_still_an_address() -> None:
    """Not in the list of attacks: everybody trusted, in so many words; then the left-most address is what is believed, and no crash."""
    async with deployed(listen='trusted_proxies = ["0.0.0.0/0"]\ninsecure_trust_all_proxies = true') as place:
        assert (await place.ask("/public/x", b"X-Forwarded-For: 1.2.3.4, 10.0.0.1\r\n")).status == 200
        assert last_line(place)["client"] == "1.2.3.4"
