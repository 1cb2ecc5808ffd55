"""The keys for Redis, and the error messages for wrong ones."""

from pathlib import Path

import pytest

from tests.harness.configuration import SMALLEST, problems, settings

REDIS = SMALLEST + '[state]\nurl = "rediss://redis.example.com"\n'
PLAIN = SMALLEST + '[state]\nurl = "redis://redis.example.com"\n'

CASES = [
    (SMALLEST + '[state]\nengine = "redis"\n', "gateway.toml:9: state.url: is missing; say where Redis is"),
    (
        SMALLEST + '[state]\nurl = "redis://user:pass@redis"\n',
        "gateway.toml:10: state.url: holds a user name or a password; put them into the files state.user_file and state.password_file",
    ),
    (SMALLEST + '[state]\nurl = "http://redis"\n', 'gateway.toml:10: state.url: "http://redis" is no address of Redis; write it like'),
    (SMALLEST + '[state]\nurl = "redis://redis:70000"\n', 'the port in "redis://redis:70000" is too large'),
    (SMALLEST + '[state]\nurl = "redis://"\n', "is no address of Redis; write it like"),
    (SMALLEST + '[state]\nurl = "redis://redis?db=1"\n', "is no address of Redis; write it like"),
    (
        REDIS + 'user_file = "absent"\npassword_file = "absent"\n',
        "state.user_file: absent: No such file or directory; name a readable file",
    ),
    (REDIS + 'password_file = "/dev/null"\n', "gateway.toml:11: state.password_file: /dev/null: is empty; write the one word into it"),
    (REDIS + 'user_file = "/etc/hostname"\n', "state.password_file: is missing; a user of Redis needs a password"),
    (REDIS + 'ca_file = "absent.pem"\n', "gateway.toml:11: state.ca_file: absent.pem: No such file or directory; name a readable file"),
    (REDIS + 'client_certificate = "a.pem"\n', "state.client_key: is missing; state.client_certificate is of use only together with it"),
    (REDIS + 'client_key = "a.pem"\n', "state.client_certificate: is missing; state.client_key is of use only together with it"),
    (PLAIN + 'ca_file = "absent.pem"\n', "state.ca_file: is of use only with TLS; write rediss:// in state.url"),
    (REDIS + 'sentinel = ["one"]\n', 'gateway.toml:11: state.sentinel[0]: "one" is no server; write its name and port'),
    (REDIS + 'sentinel = ["one:26379"]\ncluster = true\n', "state.cluster: is not used together with state.sentinel; keep one of them"),
    (SMALLEST + '[state]\nurl = "redis://mine:1"\nsentinel = ["one:26379"]\n', "state.url: has a port; with state.sentinel it names the"),
    (REDIS + 'sentinel_password_file = "/etc/hostname"\n', "state.sentinel: is missing; list the Sentinels"),
    (SMALLEST + '[state]\nurl = "redis://redis:6379/3"\ncluster = true\n', "state.url: names a database; a Cluster has one only"),
    (SMALLEST + '[state]\nengine = "sqlite"\ndirectory = "x"\nurl = "redis://redis"\n', "state.url: is of use only with Redis"),
    (SMALLEST + "[state]\ncluster = true\n", "state.cluster: is of use only with Redis; use state.engine"),
    (REDIS + 'timeout = "0s"\n', "state.timeout: is no time at all; give it some"),
    (REDIS + 'prefix = "a{b"\n', "state.prefix: 'a{b' is not allowed here"),
]


@pytest.mark.parametrize(("text", "sentence"), CASES)
def test_what_redis_cannot_be_asked_with_has_its_place_and_remedy(text: str, sentence: str) -> None:
    found = problems(text)
    assert any(sentence in problem for problem in found), found
    assert not any("pass@" in problem for problem in found)


@pytest.mark.parametrize(
    ("state", "is_redis"),
    [
        ('url = "redis://redis"\n', True),
        ('engine = "redis"\nurl = "rediss://redis:6380/2"\n', True),
        ('url = "redis://[::1]:6379"\ndirectory = "kept"\n', True),
        ('url = "redis://mymaster"\nsentinel = ["one.example.com:26379", "[::1]:26379"]\n', True),
        ('directory = "kept"\n', False),
        ("", False),
    ],
)
def test_a_url_makes_it_redis(state: str, is_redis: bool) -> None:
    found = settings(f"{SMALLEST}[state]\n{state}").config.state
    assert found.is_redis is is_redis


def test_workers_on_redis_need_no_folder() -> None:
    assert not settings(SMALLEST + '[listen]\nworkers = 2\n[state]\nurl = "redis://redis"\n').needs_state_folder


def test_a_password_is_read_from_its_file_and_never_shown(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("a-long-secret\n")
    found = settings(REDIS + f'password_file = "{tmp_path / "password"}"\n')
    assert "a-long-secret" not in repr(found)
