"""W7: a field that asks for another method reaches the app only if the operator allows it, and then the rules of both methods hold.

Otherwise the field is removed, and the log says so once.
"""

import pytest

from tests.harness.browser import HR, WIKI
from tests.harness.configuration import SMALLEST, settings
from tests.harness.gateway import REPLICAS
from tests.harness.replies import told
from tests.harness.site import CONFIGURATION, FETCH, NAVIGATE, Site, deployed
from tests.harness.subrequests import DIALECTS, TRUSTING, ask

NAMES = ("X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override")
ALLOWED = CONFIGURATION.replace(
    'name = "hr"', 'name = "hr"\nallow_fields = ["X-HTTP-Method", "x-http-method-override", "X-Method-Override"]', 1
)
ALLOWED_PREFLIGHTS = ALLOWED.replace('name = "hr"', 'name = "hr"\ncors_preflight = "app"', 1)


def notes(site: Site) -> list[tuple[object, object]]:
    return [(line["app"], line["field"]) for line in site.lines if line["event"] == "override_stripped"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("method", ["MERGE", "DELETE", "PATCH"])
async def test_w7_a_field_that_is_let_through_arrives(name: str, method: str) -> None:
    async with deployed(configuration=ALLOWED) as site:
        cookie = await site.signed_in()
        fields = cookie + f"{name}: {method}\r\n".encode()
        for _ in range(2):
            assert (await site.ask("/odata/Things(1)", FETCH + fields, method="POST", body=b"{}")).status == 200
            assert told(site.behind.last, name) == [method]
        assert (await site.ask("/", NAVIGATE + fields)).status == 200
        assert told(site.behind.last, name) == [method]
        assert notes(site) == []


async def test_w7_the_rules_of_both_methods_bind() -> None:
    """``/form`` is open for POST alone, ``/shut`` is shut for POST alone."""
    async with deployed(configuration=ALLOWED, listen=TRUSTING) as site:
        cookie = await site.signed_in()
        expected = {
            ("/form/x", "POST", "POST"): (200, 200),
            ("/form/x", "POST", "DELETE"): (401, 200),
            ("/form/x", "DELETE", "POST"): (401, 200),
            ("/shut/x", "PUT", "POST"): (403, 403),
            ("/shut/x", "PUT", "post"): (403, 403),
            ("/shut/x", "POST", "PUT"): (403, 403),
            ("/x", "POST", "DE LETE"): (400, 400),
            ("/x", "POST", ""): (400, 400),
        }
        for (target, method, asked), (nobody, user) in expected.items():
            field = f"X-HTTP-Method-Override: {asked}\r\n".encode()
            for fields, status in ((FETCH, nobody), (FETCH + cookie, user)):
                assert (await site.ask(target, fields + field, method=method)).status == status, (target, method, asked)
                for dialect in DIALECTS:
                    reply = await ask(site, dialect, target, fields + field, method=method)
                    assert reply.status == (403 if (dialect, status) == ("nginx", 400) else status), (dialect, target, method, asked)


async def test_w7_a_preflight_that_asks_for_another_method_is_none() -> None:
    async with deployed(configuration=ALLOWED_PREFLIGHTS) as site:
        preflight = b"Origin: https://spa.example.net\r\nAccess-Control-Request-Method: PUT\r\n"
        assert (await site.ask("/x", preflight, method="OPTIONS")).status == 200
        assert (await site.ask("/x", preflight + b"X-HTTP-Method: DELETE\r\n", method="OPTIONS")).status == 401


async def test_w7_what_is_taken_out_is_logged_once_for_each_app_and_field() -> None:
    async with deployed() as site:
        cookie = await site.signed_in()
        for name in (*NAMES, "X-Original-URL"):
            for number in range(4):
                value = b"SECRET%d" % number
                assert (await site.ask("/x", FETCH + cookie + name.encode() + b": " + value + b"\r\n")).status == 200
                assert b"SECRET" not in site.behind.last.head
        assert set(notes(site)) == {("hr", name.lower()) for name in (*NAMES, "X-Original-URL")}
        assert len(notes(site)) <= 4 * REPLICAS
        await site.ask("/public/x", b"X-HTTP-Method: DELETE\r\n", origin=WIKI)
        assert notes(site)[-1] == ("wiki", "x-http-method")
        assert "SECRET" not in site.written.getvalue()


async def test_w7_what_nobody_lets_in_is_not_logged() -> None:
    async with deployed() as site:
        assert (await site.ask("/x", FETCH + b"X-HTTP-Method: DELETE\r\n")).status == 401
        assert notes(site) == [] and HR.startswith("https://")


@pytest.mark.parametrize(
    "name", ["X-Original-URL", "X-Rewrite-Url", "x_forwarded_for", "X-Middleware-Subrequest", "Proxy", "X-Forwarded-For"]
)
def test_w7_what_no_app_may_be_asked_by_has_no_effect_and_the_check_says_so(name: str) -> None:
    (warning,) = settings(SMALLEST + f'allow_fields = ["X-HTTP-Method", "{name}"]\n').warnings
    assert "app[0].allow_fields[1]" in warning and "proxies alone" in warning


def test_w7_names_that_are_let_through_are_not_warned_of() -> None:
    names = '["X-HTTP-Method", "X_Method_Override", "webhook_user", "X-SSL-Client-Cert", "X-Forwarded-User"]'
    assert settings(SMALLEST + f"allow_fields = {names}\n").warnings == ()
