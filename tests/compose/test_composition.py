"""The objects that the configuration's tables become."""

from pathlib import Path

import pytest

from gateway.compose import Gateway
from gateway.compose.hosts import authority_of, field_rules, fingerprinter, org_address, route_table, session_rules
from gateway.errors import BadConfig
from gateway.observe import Log
from gateway.policy.http.messages import Authority
from gateway.policy.routing.routing import Access, App, Rule, rule_of_path
from gateway.policy.session.session import SessionCookie
from tests.harness.configuration import APP, LOGIN, OKTA, SMALLEST, settings

HERE = Path()


@pytest.mark.parametrize(
    ("okta", "base", "host", "server_name", "own_origin"),
    [
        ("", "https://example.okta.com", "example.okta.com", "example.okta.com", "https://example.okta.com"),
        ('connect_to = "https://c.okta.com"', "https://c.okta.com", "login.example.com", "login.example.com", "https://login.example.com"),
        (
            'connect_to = "https://c.okta.com:8443"\nhost = "id.example.com:8443"',
            "https://c.okta.com:8443",
            "id.example.com:8443",
            "id.example.com",
            "https://id.example.com:8443",
        ),
    ],
    ids=["no custom domain", "custom domain is the login host", "another custom domain"],
)
def test_the_org_is_asked_by_the_name_it_knows(okta: str, base: str, host: str, server_name: str, own_origin: str) -> None:
    place = org_address(settings(OKTA + okta + "\n" + LOGIN + APP).config, HERE)
    assert (place.destination.base, place.destination.host, place.destination.server_name) == (base, host, server_name)
    assert place.own_origin == own_origin


def test_plain_http_to_this_machine_has_no_tls_name() -> None:
    text = SMALLEST.replace("https://example.okta.com", "http://127.0.0.1:8081")
    assert org_address(settings(text).config, HERE).destination.server_name is None


@pytest.mark.parametrize(
    ("origin", "authority"),
    [
        ("https://hr.example.com", Authority("hr.example.com", 443)),
        ("http://hr.localhost", Authority("hr.localhost", 80)),
        ("http://hr.localhost:8080", Authority("hr.localhost", 8080)),
        ("http://[::1]:8080", Authority("[::1]", 8080)),
    ],
)
def test_an_authority_has_its_port_filled_in(origin: str, authority: Authority) -> None:
    assert authority_of(origin) == authority


def test_rules_keep_their_order_and_the_apps_access_stands_behind_them() -> None:
    first = '[[app.rule]]\npath = "/a/**"\nusers = ["alice@example.com"]\nauthenticated_within = "15m"\n'
    text = first + '[[app.rule]]\npath = "/b"\naccess = "anyone"\n'
    app = route_table(settings(SMALLEST + 'access = "optional"\n' + text).config).host(Authority("hr.example.com", 443))
    assert isinstance(app, App)
    placed = [rule_of_path(app, path, "GET") for path in ("/a/x", "/b", "/c")]
    rules = [rule for rule in placed if isinstance(rule, Rule)]
    assert (rules[0].users, rules[0].authenticated_within_seconds) == (frozenset({"alice@example.com"}), 900)
    assert [rule.access for rule in rules] == [Access.SESSION, Access.ANYONE, Access.OPTIONAL]


def test_without_a_word_about_it_everything_needs_a_session() -> None:
    app = route_table(settings().config).host(Authority("hr.example.com", 443))
    assert isinstance(app, App)
    placed = rule_of_path(app, "/", "GET")
    assert isinstance(placed, Rule) and placed.access is Access.SESSION


def test_an_app_is_told_what_its_table_says() -> None:
    (app,) = settings(SMALLEST + 'allow_fields = ["Webhook_User"]\nidentity = { "X-Login" = "login", "X-Amr" = "amr" }\n').config.apps
    rules = field_rules(app)
    assert rules.identity == ((b"X-Login", "login"), (b"X-Amr", "amr"))
    assert rules.allowed == {b"webhook_user"}


def test_session_keys_become_lifetimes() -> None:
    rules = session_rules(
        settings(SMALLEST + '[session]\nttl = "5s"\nttl_max = "1m"\ngrace = "2m"\nkeep_alive = "10m"\nmax_entries = 7\n').config
    )
    assert (rules.lifetimes.ttl, rules.lifetimes.ttl_max, rules.lifetimes.grace) == (5, 60, 120)
    assert (rules.keep_alive, rules.max_entries) == (600, 7)


def test_replicas_with_the_same_newest_key_name_a_browser_alike_and_others_do_not() -> None:
    config, cookie = settings().config, SessionCookie(b"sid", b"102abc")
    one, other, stranger = (fingerprinter(config, keys) for keys in ((b"k" * 32,), (b"k" * 32, b"old" * 11), (b"x" * 32,)))
    assert one.of(cookie) == other.of(cookie) != stranger.of(cookie)


async def test_a_taken_admin_address_leaves_the_public_one_free() -> None:
    local = '[listen]\naddress = "127.0.0.1:0"\n[admin]\naddress = "127.0.0.1:0"\n'
    first = Gateway(settings(SMALLEST + local), Log("error"))
    await first.start()
    try:
        text = SMALLEST + local.replace('[admin]\naddress = "127.0.0.1:0"', f'[admin]\naddress = "127.0.0.1:{first.admin_port}"')
        second = Gateway(settings(text), Log("error"))
        with pytest.raises(BadConfig, match=f"gateway.toml:12: admin.address: cannot listen on 127.0.0.1:{first.admin_port}"):
            await second.start()
        with pytest.raises(RuntimeError, match="does not listen"):
            _ = second.address
    finally:
        await first.aclose()
