"""The error message for each wrong configuration, with its place."""

from pathlib import Path

import pytest

from gateway.config import load
from gateway.errors import BadConfig
from tests.harness.configuration import APP, LOGIN, OKTA, SEAL_KEY, SEALED, SMALLEST, problems, settings

RULE = SMALLEST + "[[app.rule]]\n"
BARE = SMALLEST.replace('upstream = "http://127.0.0.1:3000"\n', "")
FRONTED = '[listen]\ntrusted_proxies = ["10.0.0.1"]\n' + BARE

CASES = [
    # text that is no TOML
    ("ttl = ", ("gateway.toml:1: Invalid value",)),
    ("[okta]\norg = 1\norg = 2", ("gateway.toml:3: a key or table stands here for the second time", "keep one of them")),
    ("[okta]\n[login]\n[okta]\n", ("gateway.toml:3: a key or table stands here for the second time (column 6)",)),
    # keys
    (SMALLEST + "[sesion]\n", ('gateway.toml:9: sesion: is no key here; did you mean "session"?',)),
    (SMALLEST + '[session]\ntll = "1s"\n', ('gateway.toml:10: session.tll: is no key here; did you mean "ttl"?',)),
    (SMALLEST + "[log]\nzzz = 1\n", ("gateway.toml:10: log.zzz: is no key here; known are level, format",)),
    (RULE + 'path = "/x"\nmethod = ["GET"]\n', ('gateway.toml:11: app[0].rule[0].method: is no key here; did you mean "methods"?',)),
    (OKTA + APP, ("gateway.toml: login: is missing; add the table [login]",)),
    (OKTA + LOGIN + '[[aps]]\nname = "hr"\n', ('gateway.toml: aps: is no key here; did you mean "app"?',)),
    ("[okta]\n" + LOGIN + APP, ("gateway.toml:1: okta.org: is missing; add org = …",)),
    # units and types
    (SMALLEST + "[session]\nttl = 10\n", ("gateway.toml:10: session.ttl: 10 has no unit; write it as text with one of ms, s, m, h, d",)),
    (SMALLEST + '[session]\nttl = "10"\n', ('gateway.toml:10: session.ttl: "10" has no unit; add one of ms, s, m, h, d',)),
    (SMALLEST + '[session]\nttl = "10 sec"\n', ('gateway.toml:10: session.ttl: "sec" is no unit here; use one of ms, s, m, h, d',)),
    (SMALLEST + '[session]\nttl = "-1s"\n', ("gateway.toml:10: session.ttl: a number with one of the units ms, s, m, h, d is needed",)),
    (
        SMALLEST + "[listen]\nfields_size = 65536\n",
        ("listen.fields_size: 65536 has no unit; write it as text with one of B, KiB, MiB, GiB",),
    ),
    (SMALLEST + '[listen]\nfields_size = "64KB"\n', ('listen.fields_size: "KB" is no unit here; use one of B, KiB, MiB, GiB',)),
    (SMALLEST + '[session]\nmax_entries = "many"\n', ("session.max_entries: a whole number is needed, without quotes",)),
    (SMALLEST + "[listen]\ninsecure_trust_all_proxies = 1\n", ("insecure_trust_all_proxies: true or false is needed, without quotes",)),
    (SMALLEST + "[listen]\naddress = 8080\n", ("gateway.toml:10: listen.address: text in quotes is needed",)),
    (SMALLEST + '[listen]\naddress = "8080"\n', ('"8080" is nothing to listen at; write it like "127.0.0.1:8080" or ":8080"',)),
    (SMALLEST + '[listen]\naddress = ":99999"\n', ('the port in ":99999" is too large; ports end at 65535',)),
    (SMALLEST + '[listen]\ntrusted_proxies = "10.0.0.0/8"\n', ("listen.trusted_proxies: a list in square brackets is needed",)),
    (SMALLEST + '[listen]\ntrusted_proxies = ["10.0.0.1/8"]\n', ('"10.0.0.1/8" is no address range; write it like "10.0.0.0/8"',)),
    (SMALLEST + '[log]\nlevel = "loud"\n', ("gateway.toml:10: log.level: 'debug', 'info', 'warning' or 'error' is needed",)),
    # addresses of sites
    (
        OKTA + '[login]\nurl = "http://login.example.com"\n' + APP,
        ('plain http is only for this machine (localhost); write "https://login',),
    ),
    (
        OKTA + '[login]\nurl = "https://login.example.com/x"\n' + APP,
        ('only scheme, host and port belong here: "https://login.example.com"',),
    ),
    (OKTA + '[login]\nurl = "https://u:p@login.example.com"\n' + APP, ("an address here holds no user name and no password",)),
    (OKTA + '[login]\nurl = "login.example.com"\n' + APP, ('"login.example.com" is no address of a site',)),
    (OKTA + '[login]\nurl = "https://login_example.com"\n' + APP, ('"login_example.com" is no host name',)),
    (OKTA + 'host = "https://x"\n' + LOGIN + APP, ('"https://x" is no host name; write it like "login.example.com"',)),
    (SMALLEST.replace("hr.example", "login.example"), ("gateway.toml:7: app[0].url: login.example.com is the host of login.url already",)),
    (
        SMALLEST + APP,
        ("gateway.toml:11: app[1].url: hr.example.com is the host of app hr already", 'gateway.toml:10: app[1].name: "hr" is'),
    ),
    (SMALLEST.replace("example.okta", "login.example"), ("okta.org: is the host of login.url, so the gateway would ask itself",)),
    (OKTA + 'host = "login.example.com"\n' + LOGIN + APP, ("gateway.toml:3: okta.host: needs okta.connect_to",)),
    (OKTA + 'sign_in = "/login"\n' + LOGIN + APP, ("gateway.toml:3: okta.sign_in: has no {return}",)),
    (
        OKTA + 'sign_in = "//evil.example/{return}"\n' + LOGIN + APP,
        ("okta.sign_in: '//evil.example/{return}' is not allowed here; write a path",),
    ),
    # paths of rules
    (SMALLEST + '[[app.rule]]\npath = "/a**"\n', ('app[0].rule[0].path: "/a**" ** must stand alone between slashes; write',)),
    (SMALLEST + '[[app.rule]]\npath = "/a//b"\n', ('app[0].rule[0].path: "/a//b" can never match',)),
    # how keys fit together
    (SMALLEST + '[session]\nttl = "2m"\n', ("session.ttl_max: is shorter than session.ttl",)),
    (SMALLEST + '[session]\nttl = "2h"\nttl_max = "3h"\n', ("session.ttl: is longer than an hour",)),
    (SMALLEST + 'idle_timeout = "0s"\n', ('app[0].idle_timeout: is no time at all; give it some, for example "5s"',)),
    (OKTA + 'connect_timeout = "0s"\n' + LOGIN + APP, ("gateway.toml:3: okta.connect_timeout: is no time at all",)),
    (SMALLEST + '[admin]\naddress = "127.0.0.1:8080"\n', ("admin.address: is the public address too",)),
    (SMALLEST + '[listen]\ntrusted_proxies = ["0.0.0.0/0"]\n', ("listen.trusted_proxies: with a range of all addresses",)),
    (SMALLEST + '[listen]\ntrusted_proxies = ["::/0"]\n', ("set listen.insecure_trust_all_proxies = true",)),
    # apps that a front proxy carries
    (BARE, ("gateway.toml:5: app[0].upstream: is missing; add upstream = …, or, where a front proxy carries the app, list that proxy",)),
    (
        FRONTED + 'strip_prefix = "/hr"\nconnections = 5\n',
        (
            "gateway.toml:10: app[0].strip_prefix: is about the way to the app, but a front proxy carries",
            "gateway.toml:11: app[0].connections:",
        ),
    ),
    (
        SMALLEST + "[app.identity]\n" + "".join(f'X-Auth-{number:04} = "login"\n' for number in range(60)),
        ("app[0].identity: has so many names that a front proxy would have no room for their values",),
    ),
    (SMALLEST + "[subrequest]\nmax_age = 5\n", ("gateway.toml:10: subrequest.max_age: 5 has no unit",)),
    # rules
    (SMALLEST + 'access = "anyone"\n', ("gateway.toml:9: app[0].access: opens hr to everybody without a session",)),
    (
        RULE + 'path = "/**"\naccess = "anyone"\n',
        ("gateway.toml:10: app[0].rule[0].path: opens hr to everybody", "allow_public_root = true"),
    ),
    (RULE + 'path = "/"\naccess = "anyone"\n', ("app[0].rule[0].path: opens hr to everybody",)),
    (RULE + 'path = "admin"\n', ("app[0].rule[0].path: 'admin' is not allowed here; write a path: it begins with /",)),
    (RULE + 'path = "/x?y"\n', ("app[0].rule[0].path: '/x?y' is not allowed here",)),
    (RULE + 'path = "/x"\nusers = []\n', ("app[0].rule[0].users: is an empty list; name at least one, or leave the key out",)),
    (RULE + 'path = "/x"\nusers = ["a@b@c"]\n', ('"a@b@c" is neither a login nor a domain',)),
    (
        RULE + 'path = "/x"\naccess = "anyone"\nusers = ["a"]\n',
        ('access: asks who the user is, but access = "anyone" asks for no session',),
    ),
    (
        SMALLEST + '[app.identity]\n"Remote User" = "login"\n',
        ("gateway.toml:10: app[0].identity.Remote User: 'Remote User' is not allowed",),
    ),
    (SMALLEST + '[app.identity]\nX-Mail = "email"\n', ("identity.X-Mail: 'login', 'user_id', 'session_expires_at' or 'amr' is needed",)),
    # files
    (OKTA + 'ca_file = "absent.pem"\n' + LOGIN + APP, ("gateway.toml:3: okta.ca_file: absent.pem: No such file or directory; name",)),
    (OKTA + 'ca_file = "pyproject.toml"\n' + LOGIN + APP, ("okta.ca_file: pyproject.toml: holds no certificate in PEM form",)),
]


@pytest.mark.parametrize(("text", "sentences"), CASES, ids=[sentences[0][:60] for _, sentences in CASES])
def test_a_problem_names_its_place_and_what_to_do(text: str, sentences: tuple[str, ...]) -> None:
    found = problems(text)
    assert [sentence for sentence in sentences if not any(sentence in problem for problem in found)] == [], found


def test_the_smallest_configuration_has_no_problem() -> None:
    assert problems(SMALLEST) == ()
    assert settings().warnings == ()


def test_an_app_needs_no_server_where_a_front_proxy_carries_it() -> None:
    assert problems(FRONTED) == ()
    (app,) = settings(FRONTED).config.apps
    assert app.addresses == ()


def test_every_problem_is_reported_at_once_and_once() -> None:
    text = OKTA + "connections = 0\n[listen]\ndrain = 5\n[[app]]\nname = 'a b'\nurl = 'ftp://x'\n[okta2]\n"
    found = problems(text, {})
    keys = {problem.split(": ")[1] for problem in found}
    assert keys == {"okta.connections", "listen.drain", "login", "app[0].name", "app[0].url", "okta2", "seal"}
    assert len(found) == len(set(found)) == 7


def test_lines_are_found_behind_lists_and_long_texts() -> None:
    text = (
        SMALLEST
        + "[listen]\ntrusted_proxies = [\n  '10.0.0.0/8', # [x\n]\ndrain = 5\n[switch]\ntrusted_origins = ['''\n[log]\n''']\nx = 1\n"
    )
    found = problems(text)
    assert any(problem.startswith("gateway.toml:13: listen.drain:") for problem in found), found
    assert any(problem.startswith("gateway.toml:18: switch.x:") for problem in found), found


def test_a_variable_of_the_environment_goes_over_the_file_and_is_named_in_its_problem() -> None:
    assert settings(SMALLEST, SEALED | {"SESSION_GATEWAY__SESSION__TTL": "20s"}).config.session.ttl == 20
    assert settings(SMALLEST, SEALED | {"SESSION_GATEWAY__OKTA__CONNECTIONS": "7"}).config.okta.connections == 7
    proxies = settings(SMALLEST, SEALED | {"SESSION_GATEWAY__LISTEN__TRUSTED_PROXIES": '["10.0.0.0/8"]'}).config.listen.trusted_proxies
    assert [str(network) for network in proxies] == ["10.0.0.0/8"]
    assert problems(SMALLEST, SEALED | {"SESSION_GATEWAY__SESSION__TTL": "20"}) == (
        "environment SESSION_GATEWAY__SESSION__TTL: session.ttl: 20 has no unit; "
        'write it as text with one of ms, s, m, h, d, for example "10s"',
    )
    assert problems(SMALLEST, SEALED | {"SESSION_GATEWAY__SESSION__TLT": "20s"}) == (
        'environment SESSION_GATEWAY__SESSION__TLT: session.tlt: is no key here; did you mean "ttl"?',
    )


def test_apps_are_the_files_alone() -> None:
    assert problems(SMALLEST, SEALED | {"SESSION_GATEWAY__APP__0__NAME": "x"}) == (
        "environment SESSION_GATEWAY__APP__0__NAME: there is no table for it to go into; write [[app]] tables into the file",
    )


def test_warnings_are_said_for_what_was_asked_for() -> None:
    trusting = '[listen]\ninsecure_trust_all_proxies = true\ntrusted_proxies = ["0.0.0.0/0"]\n'
    text = SMALLEST + 'access = "anyone"\nallow_public_root = true\n' + trusting + '[session]\ngrace = "5m"\n'
    found = settings(text).warnings
    assert [warning.partition(": WARNING")[0] for warning in found] == [
        "gateway.toml:12: listen.insecure_trust_all_proxies",
        "gateway.toml:10: app[0].allow_public_root",
        "gateway.toml:15: session.grace",
    ]


def test_seal_keys_come_from_one_place_only(tmp_path: Path) -> None:
    file = tmp_path / "seal.keys"
    file.write_text(f"{SEAL_KEY}\n")
    file.chmod(0o600)
    named = SMALLEST + f'[seal]\nkeys_file = "{file}"\n'
    assert settings(named, {}).seal_keys == (b"k" * 32,)
    assert settings(SMALLEST, {"SESSION_GATEWAY_SEAL_KEYS_FILE": str(file)}).seal_keys == (b"k" * 32,)
    assert problems(named, SEALED) == (
        "gateway.toml: seal: keys are given twice, in environment SESSION_GATEWAY_SEAL_KEYS "
        "and in gateway.toml: seal.keys_file; keep one of them",
    )
    assert problems(SMALLEST, {})[0].startswith("gateway.toml: seal: no key; make one with `session-gateway keygen` and set")


def test_a_seal_key_file_is_found_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "seal.keys").write_text(SEAL_KEY)
    (tmp_path / "gateway.toml").write_text(SMALLEST + '[seal]\nkeys_file = "seal.keys"\n')
    assert load(tmp_path / "gateway.toml", {}).seal_keys == (b"k" * 32,)


def test_a_key_file_that_everybody_may_read_is_warned_of(tmp_path: Path) -> None:
    file = tmp_path / "seal.keys"
    file.write_text(SEAL_KEY)
    file.chmod(0o644)
    warnings = settings(SMALLEST, {"SESSION_GATEWAY_SEAL_KEYS_FILE": str(file)}).warnings
    assert warnings == (f"environment SESSION_GATEWAY_SEAL_KEYS_FILE: {file} is open to every user of this machine; chmod 600 it",)


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ("abc", "key 1 is not 32 bytes in base64; make one with `session-gateway keygen`"),
        (f"{SEAL_KEY},YWJj", "key 2 is not 32 bytes in base64"),
        (f"{SEAL_KEY} {SEAL_KEY}", "the same key stands in it twice"),
        (" ", "no key in it"),
    ],
)
def test_a_wrong_seal_key_is_named_by_its_number_and_never_shown(keys: str, sentence: str) -> None:
    found = problems(SMALLEST, {"SESSION_GATEWAY_SEAL_KEYS": keys})
    assert len(found) == 1
    assert sentence in found[0]
    assert SEAL_KEY not in found[0]


def test_settings_never_show_their_keys() -> None:
    assert "kkkk" not in repr(settings())
    assert SEAL_KEY not in repr(settings())


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadConfig) as raised:
        load(tmp_path / "absent.toml", {})
    assert raised.value.problems == (f"{tmp_path / 'absent.toml'}: No such file or directory; name a readable TOML file with --config",)
