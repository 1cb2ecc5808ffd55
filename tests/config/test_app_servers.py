"""The servers of an app: what the keys of one [[app]] table become, and the error message for each wrong value."""

import ssl
from pathlib import Path

import pytest

from gateway.compose.hosts import app_host, balancer, prefixes, rewriting, servers
from gateway.config import AppTable, load
from gateway.errors import BadConfig
from gateway.policy.routing.prefixes import Prefixes
from gateway.policy.routing.server_health import Server
from gateway.upstream.server_address import ServerAddress
from tests.harness.certificates import certificate
from tests.harness.configuration import LOGIN, OKTA, SEALED, SMALLEST, problems, settings

HERE = Path()
NOWHERE = OKTA + LOGIN + '[[app]]\nname = "hr"\nurl = "https://hr.example.com"\n'
TWO = NOWHERE + '[[app.server]]\nurl = "http://a:1"\n[[app.server]]\nurl = "http://b"\nweight = 3\n'
SECURE = SMALLEST.replace("http://127", "https://127")

CASES = [
    # where the servers are
    (NOWHERE, ("gateway.toml:5: app[0].upstream: is missing; add upstream = …",)),
    (
        TWO.replace("[[app.server]]", 'upstream = "http://c"\n[[app.server]]', 1),
        ("app[0].upstream: is given beside [[app.server]] tables",),
    ),
    (TWO.replace("http://b", "http://A:1/"), ("gateway.toml:11: app[0].server[1].url: http://a:1 is a server of this app already",)),
    (TWO.replace("http://b", "http://b/x"), ('app[0].server[1].url: only scheme, host and port belong here: "http://b"',)),
    (TWO.replace("= 3", "= 0"), ("gateway.toml:12: app[0].server[1].weight: ",)),
    (TWO.replace("weight", "wait"), ('app[0].server[1].wait: is no key here; did you mean "weight"?',)),
    (NOWHERE + 'upstream = "unix:app.sock"\n', ('"unix:app.sock" is no socket; write "unix:" and its absolute path, like "unix:/run/hr/',)),
    (NOWHERE + 'upstream = "unix:///app.sock"\n', ('"unix:///app.sock" is no socket',)),
    (NOWHERE + 'upstream = "unix:/run/"\n', ('"unix:/run/" is no socket',)),
    (NOWHERE + f'upstream = "unix:/{"x" * 107}"\n', ("the path of a socket has 107 bytes at most",)),
    (NOWHERE + 'upstream = "http://a:99999"\n', ('app[0].upstream: the port in "http://a:99999" is too large; ports end at 65535',)),
    (NOWHERE + 'upstream = "http://a:0000000065536/"\n', ('app[0].upstream: the port in "http://a:0000000065536/" is too large',)),
    (NOWHERE + 'upstream = "http://a:0"\n', ('app[0].upstream: "http://a:0" is no address of a site',)),
    (NOWHERE + 'upstream = "ftp://a"\n', ('app[0].upstream: "ftp://a" is no address of a site',)),
    # TLS
    (
        SECURE + 'upstream_client_key = "k"\n',
        ("app[0].upstream_client_certificate: is missing; upstream_client_key is of use",),
    ),
    (SECURE + 'upstream_client_certificate = "c"\n', ("app[0].upstream_client_key: is missing; upstream_client_certificate is of",)),
    (SECURE + 'upstream_server_name = "hr:443"\n', ("gateway.toml:9: app[0].upstream_server_name: is a name without a port",)),
    (SECURE + 'upstream_host = "http://hr"\n', ('app[0].upstream_host: "http://hr" is no host name',)),
    (
        SMALLEST + 'upstream_server_name = "hr"\n',
        ("upstream_server_name: is for servers with https, and this app has none; write https://",),
    ),
    (NOWHERE + 'upstream = "unix:/a"\nupstream_ca_file = "pyproject.toml"\n', ("app[0].upstream_ca_file: is for servers with https",)),
    (SECURE + 'upstream_ca_file = "absent.pem"\n', ("gateway.toml:9: app[0].upstream_ca_file: absent.pem: No such file or directory",)),
    (SECURE + 'upstream_ca_file = "pyproject.toml"\n', ("upstream_ca_file: pyproject.toml: holds no certificate in PEM form; name a",)),
    # paths
    (
        SMALLEST + 'strip_prefix = "hr"\n',
        ('gateway.toml:9: app[0].strip_prefix: "hr" must begin with a slash and end',),
    ),
    (SMALLEST + 'add_prefix = "/a/"\n', ('gateway.toml:9: app[0].add_prefix: "/a/" must begin with a slash and end without one',)),
    (SMALLEST + 'strip_prefix = "/.gateway"\n', ("is a path of the gateway's own",)),
    (
        SMALLEST + 'strip_prefix = "/a/hr"\n[[app.rule]]\npath = "/admin/**"\n',
        ('gateway.toml:11: app[0].rule[0].path: "/admin/**" is outside of strip_prefix; rules are', 'such as "/a/hr/admin/**"'),
    ),
    (SMALLEST + 'strip_prefix = "/a/hr"\n[[app.rule]]\npath = "/a"\n', ('"/a" is outside of strip_prefix',)),
    (
        SMALLEST + 'strip_prefix = "/hr"\n[[app.rule]]\npath = "/hr/**"\naccess = "anyone"\n',
        ("app[0].rule[0].path: opens hr to everybody without a session",),
    ),
    # health and balance
    (SMALLEST + 'health_path = "health"\n', ("app[0].health_path: 'health' is not allowed here",)),
    (SMALLEST + 'health_path = "/a b"\n', ("app[0].health_path: '/a b' is not allowed here",)),
    (SMALLEST + 'health_interval = "0s"\n', ("gateway.toml:9: app[0].health_interval: is no time at all",)),
    (SMALLEST + "keep_alive = 4\n", ("gateway.toml:9: app[0].keep_alive: 4 has no unit",)),
    (SMALLEST + 'balance = "random"\n', ("app[0].balance: 'least_requests' or 'sticky' is needed",)),
]


def app_of(text: str) -> AppTable:
    (app,) = settings(text).config.apps
    return app


@pytest.mark.parametrize(("text", "sentences"), CASES, ids=[sentences[0][:60] for _, sentences in CASES])
def test_a_problem_names_its_place_and_what_to_do(text: str, sentences: tuple[str, ...]) -> None:
    found = problems(text)
    assert [sentence for sentence in sentences if not any(sentence in problem for problem in found)] == [], found


def test_a_wrong_server_is_not_called_a_missing_upstream() -> None:
    found = problems(TWO.replace("http://b", "ftp://b"))
    assert len(found) == 1, found


@pytest.mark.parametrize("rule", ["/hr/admin/**", "/**", "/*/admin", "/h*", "/hr", "/%68r/x", "/hr/**/x"])
def test_rules_that_reach_into_the_prefix_are_fine(rule: str) -> None:
    assert problems(SMALLEST + f'strip_prefix = "/hr"\n[[app.rule]]\npath = "{rule}"\n') == ()


@pytest.mark.parametrize(
    ("address", "place", "spelled"),
    [
        ("http://127.0.0.1:3000", ServerAddress("127.0.0.1", 3000), "http://127.0.0.1:3000"),
        ("http://hr.internal", ServerAddress("hr.internal", 80), "http://hr.internal:80"),
        ("http://[fd00::5]:3000", ServerAddress("fd00::5", 3000), "http://[fd00::5]:3000"),
        ("unix:/run/hr/app.sock", ServerAddress("", 0, "/run/hr/app.sock"), "unix:/run/hr/app.sock"),
    ],
)
def test_an_address_is_a_place_with_a_name_for_logs(address: str, place: ServerAddress, spelled: str) -> None:
    ((server, found),) = servers(app_of(NOWHERE + f'upstream = "{address}"\n'), HERE)
    assert (server, found, str(found)) == (Server(address), place, spelled)


def test_several_servers_keep_their_weights_and_their_order() -> None:
    assert [tuple(one) for one in servers(app_of(TWO), HERE)] == [
        (Server("http://a:1", 1), ServerAddress("a", 1)),
        (Server("http://b", 3), ServerAddress("b", 80)),
    ]
    assert [health.server.weight for health in balancer(app_of(TWO), (b"k" * 32,)).servers] == [1, 3]


def test_https_servers_are_verified_by_their_name_and_share_one_context() -> None:
    text = NOWHERE + 'upstream_server_name = "hr.corp"\n[[app.server]]\nurl = "https://a"\n[[app.server]]\nurl = "https://b:8443"\n'
    (_, one), (_, other) = servers(app_of(text + '[[app.server]]\nurl = "http://c"\n'), HERE)[:2]
    assert (one.port, one.server_name, str(other)) == (443, "hr.corp", "https://b:8443")
    assert isinstance(one.tls, ssl.SSLContext)
    assert one.tls is other.tls
    assert one.tls.check_hostname
    assert one.tls.verify_mode is ssl.CERT_REQUIRED
    assert servers(app_of(SECURE), HERE)[0].address.server_name is None


def test_a_session_sticks_to_the_same_server_in_every_worker() -> None:
    app = app_of(TWO.replace("[[app.server]]", 'balance = "sticky"\n[[app.server]]', 1))
    sessions = [b"session %d" % number for number in range(32)]
    one, other, stranger = (
        [balancer(app, keys).choose(0.0, session) for session in sessions] for keys in ((b"k" * 32,), (b"k" * 32, b"o" * 32), (b"x" * 32,))
    )
    assert one == other != stranger


@pytest.mark.parametrize(
    ("keys", "location", "public"),
    [
        ('upstream_host = "intranet.corp"', "http://intranet.corp/x", "https://hr.example.com/x"),
        ('upstream_host = "intranet.corp"', "https://intranet.corp/x", "https://hr.example.com/x"),
        ('upstream_host = "intranet.corp"', "http://intranet.corp:3000/x", "https://hr.example.com/x"),
        ('upstream_host = "intranet.corp"', "http://127.0.0.1:3000/x", "https://hr.example.com/x"),
        ('upstream_host = "intranet.corp"', "http://intranet.corp:8080/x", "http://intranet.corp:8080/x"),
        ('upstream_host = "intranet.corp:8080"', "http://intranet.corp:8080/x", "https://hr.example.com/x"),
        ('strip_prefix = "/hr"', "http://hr.example.com/x", "https://hr.example.com/hr/x"),
        ('strip_prefix = "/hr"', "/x", "/hr/x"),
        ('add_prefix = "/app"', "https://hr.example.com/app/x", "https://hr.example.com/x"),
    ],
)
def test_an_apps_own_addresses_are_mapped_back(keys: str, location: str, public: str) -> None:
    mapped = rewriting(app_of(SMALLEST + keys + "\n"))
    assert mapped is not None
    assert mapped.reference(location) == public


def test_an_app_behind_a_socket_is_mapped_back_by_its_name_alone() -> None:
    mapped = rewriting(app_of(NOWHERE + 'upstream = "unix:/a.sock"\nupstream_host = "intranet.corp"\n'))
    assert mapped is not None
    assert {scheme for scheme, _ in mapped.inner} == {"http", "https"}
    assert {at.port for _, at in mapped.inner} == {80, 443}


def test_an_app_that_knows_its_public_name_is_left_alone() -> None:
    assert rewriting(app_of(SMALLEST)) is None
    assert (app_host(app_of(SMALLEST)), prefixes(app_of(SMALLEST))) == ("hr.example.com", Prefixes())


def test_an_app_that_insists_on_a_name_is_sent_that_name() -> None:
    app = app_of(SMALLEST + 'upstream_host = "Intranet.Corp:8080"\nstrip_prefix = "/hr"\nadd_prefix = "/app"\n')
    assert (app_host(app), prefixes(app)) == ("intranet.corp:8080", Prefixes("/hr", "/app"))


def test_files_for_https_servers_are_found_beside_the_configuration(tmp_path: Path) -> None:
    certificate(tmp_path)
    keys = 'upstream_ca_file = "tls.crt"\nupstream_client_certificate = "tls.crt"\nupstream_client_key = "tls.key"\n'
    (tmp_path / "gateway.toml").write_text(SECURE + keys)
    (app,) = load(tmp_path / "gateway.toml", SEALED).config.apps
    ((_, place),) = servers(app, tmp_path)
    assert place.tls is not None
    assert place.tls.cert_store_stats()["x509"] == 1


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        (("absent.crt", "tls.key"), "app[0].upstream_client_certificate: "),
        (("tls.crt", "absent.key"), "app[0].upstream_client_key: "),
        (("tls.crt", "tls.crt"), "holds no private key in PEM form"),
    ],
)
def test_a_client_certificate_that_cannot_be_used_is_named(keys: tuple[str, str], sentence: str, tmp_path: Path) -> None:
    certificate(tmp_path)
    chain, key = keys
    text = SECURE + f'upstream_client_certificate = "{chain}"\nupstream_client_key = "{key}"\n'
    (tmp_path / "gateway.toml").write_text(text)
    with pytest.raises(BadConfig) as raised:
        load(tmp_path / "gateway.toml", SEALED)
    assert len(raised.value.problems) == 1
    assert sentence in raised.value.problems[0]
