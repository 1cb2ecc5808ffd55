"""Row W14: an app is told which prefix was removed, and gets the operator's fixed fields. Only the gateway can set these fields."""

import pytest

from tests.field.moved_app import MOVED
from tests.harness.app import hello
from tests.harness.configuration import SMALLEST, problems
from tests.harness.replies import told
from tests.harness.site import CONFIGURATION, FETCH, deployed

KEYS = 'set_fields = {{ "X-Tenant" = "acme", "Authorization" = "Basic YTpi" }}\nfirst_byte'
TENANT = CONFIGURATION.replace('first_byte_timeout = "5s"\nwebsocket', f'{KEYS}_timeout = "5s"\nwebsocket')
SHAKE = b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"


@pytest.mark.parametrize("more", [b"", SHAKE, b"X_Odd: 1\r\n"])
async def test_w14_the_app_gets_them_once_and_a_clients_never(more: bytes) -> None:
    async with deployed(configuration=TENANT) as site:
        site.behind.script = hello
        cookie = await site.signed_in()
        sent = b"X-Tenant: evil\r\nx-tenant: worse\r\nX_Tenant: worst\r\nAuthorization: Basic eDp5\r\n"
        head = b"GET /a HTTP/1.1\r\nHost: hr.example.com\r\nConnection: " + (b"Upgrade" if more == SHAKE else b"close") + b"\r\n"
        wire = await site.connect()
        await wire.say(head + FETCH + b"Origin: https://hr.example.com\r\n" + sent + more + cookie + b"\r\n")
        await wire.head()
        await wire.close()
        assert told(site.behind.last, "X-Tenant") == ["acme"]
        assert told(site.behind.last, "Authorization") == ["Basic YTpi"]
        assert told(site.behind.last, "Remote-User") == ["alice@example.com"]


async def test_w14_the_prefix_is_the_gateways_word() -> None:
    async with deployed(configuration=MOVED) as site:
        site.behind.script = hello
        await site.ask("/hr/a", FETCH + b"X-Forwarded-Prefix: /evil\r\n")
        assert told(site.behind.last, "X-Forwarded-Prefix") == ["/hr"]


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ('"Remote-User" = "a"', "set_fields.Remote-User: says who the user is, and would say it of everybody"),
        ('"remote_user_id" = "a"', "says who the user is"),
        ('"X-Forwarded-User" = "a"', "says who the user is"),
        ('"X-SSL-Client-Cert" = "a"', "says who the user is"),
        ('"Host" = "a"', "belongs to the message itself"),
        ('"Cookie" = "a=b"', "belongs to the message itself"),
        ('"Connection" = "close"', "belongs to the message itself"),
        ('"Transfer_Encoding" = "chunked"', "belongs to the message itself"),
        ('"Content-Length" = "1"', "belongs to the message itself"),
        ('"Sec-WebSocket-Key" = "a"', "belongs to the message itself"),
        ('"X-Forwarded-For" = "1.2.3.4"', "is the gateway's own word"),
        ('"X-Forwarded-Prefix" = "/x"', "is the gateway's own word"),
        ('"X-HTTP-Method-Override" = "DELETE"', "is the gateway's own word"),
        ('"X-Gateway-Assertion" = "a"', "is the gateway's own word"),
        ('"X-A" = "a", "x_a" = "b"', "is there twice, in two spellings"),
    ],
)
def test_w14_what_is_not_the_operators_to_say_is_refused(keys: str, sentence: str) -> None:
    found = problems(f"{SMALLEST}set_fields = {{ {keys} }}\n")
    assert len(found) == 1 and sentence in found[0], found


@pytest.mark.parametrize("value", ["a\\r\\nX: b", "", " a", "a ", "caf\\u00e9"])
def test_w14_a_value_is_one_line_of_ascii(value: str) -> None:
    (found,) = problems(f'{SMALLEST}set_fields = {{ "X-A" = "{value}" }}\n')
    assert "set_fields" in found


def test_w14_a_client_may_not_say_it_too() -> None:
    (found,) = problems(f'{SMALLEST}allow_fields = ["x_a"]\nset_fields = {{ "X-A" = "b" }}\n')
    assert "is in allow_fields too" in found
