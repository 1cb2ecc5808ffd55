"""A table of the functions that match patterns over text from a client ("looks"). Each is called with nothing but that text.

Put a new one into ``LOOKS``; ``test_t1_linear`` measures them all.
"""

import json
from collections.abc import Callable

from gateway.doors.own.requests import parameters
from gateway.policy.http import cookies, hop_by_hop, messages, odd_paths, paths, percent, rewriting
from gateway.policy.http.answer_fields import from_app, private
from gateway.policy.http.app_cookies import kept_cookie
from gateway.policy.http.app_sessions import may_hold_sessions, read_cookies, removals, sessions_in, stamped_line
from gateway.policy.http.chunks import Chunks
from gateway.policy.http.cookie_stamps import Stamps
from gateway.policy.http.fields import to_org
from gateway.policy.http.head_arrival import HeadArrival
from gateway.policy.http.messages import Authority, HeadLimits, RequestHead
from gateway.policy.http.request_heads import HeadReader, begins_badly, goes_on_badly
from gateway.policy.http.session_cookie_names import WELL_KNOWN, SessionCookieNames
from gateway.policy.routing import navigation
from gateway.policy.routing.dialects import DIALECTS, original
from gateway.policy.routing.prefixes import Prefixes
from gateway.policy.routing.routing import Access, App, LoginHost, RouteTable, Rule, rule_of_path
from gateway.policy.session import okta_values, sign_in_loops
from gateway.policy.session.session import SessionCookie
from gateway.policy.switch import clients, foreign_forms, nested_tokens, new_session, org_requests, start
from gateway.policy.switch.org_parameters import Parameters, folded_names
from gateway.policy.switch.org_places import LONGEST_PATH, OrgPath
from gateway.policy.switch.redemption import cookies_set, leaves_with_token, settled

_LIMITS = messages.HeadLimits(64 * 1024, 100_000, 1024 * 1024)
HEAD = RequestHead("GET", "/", Authority("login.example.com", 443), (), True, "192.0.2.1", "192.0.2.1")
FORM, JSON, PLAIN = b"application/x-www-form-urlencoded", b"application/json", b"text/plain"
REWRITING = rewriting.Rewriting("https://app.example.com", frozenset({("http", Authority("inner", 80))}), Prefixes("/a", "/b"))
LOGIN = RouteTable(LoginHost("https://login.example.com", Authority("login.example.com", 443)), ())
RULES = (Rule("/admin/**", Access.ANYONE), Rule("/**/a/**/b", Access.ANYONE))
HR, IIS = (App("app", LOGIN.login.origin, LOGIN.login.authority, RULES, case_insensitive=windows) for windows in (False, True))
LONGEST_PATH_AT_APPS = HeadLimits().line_bytes
SESSIONS = SessionCookieNames(WELL_KNOWN)
ALICE = Stamps([b"k" * 32], b"app.example.com").of("00u-alice")
OWN_VALUE = b"102" + b"x" * 22
WIDE = HeadLimits(line_bytes=64 * 1024)
PACKET = 256


def head(target: str, method: str = "GET", *fields: tuple[bytes, bytes]) -> RequestHead:
    return RequestHead(method, target, HEAD.authority, fields, True, HEAD.peer, HEAD.client)


def fields(name: bytes, text: str) -> messages.Fields:
    return ((name, text.encode("utf-8", "replace")),)


def body(target: str, kind: bytes) -> Callable[[str], object]:
    posted = head(target, "POST", (b"Content-Type", kind))
    return lambda text: org_requests.read(posted, text.encode("utf-8", "replace"))


def judged_place(text: str) -> object:
    place = OrgPath.of(text)
    return place.names, place.takes_bodies, place.sign_out_kind, place.is_current_session, place.is_pushed


def taken(text: str) -> object:
    found = Parameters(frozenset({"token", "sessiontoken"}), is_authorize=True)
    return found.take_pairs(text), found


def asked(name: bytes) -> Callable[[str], object]:
    lines = ((b"X-Original-Method", b"GET"), (b"X-Forwarded-Method", b"GET"), (b"X-Forwarded-Proto", b"https"), (b"X-Forwarded-Host", b"a"))
    return lambda text: [
        original(dialect, head("/.gateway/auth/x", "GET", *lines, *fields(name, text)), LOGIN, WIDE) for dialect in DIALECTS
    ]


def cookie(look: Callable[[messages.Fields], object]) -> Callable[[str], object]:
    """More cookies than a head may have are refused before anybody looks at one."""
    return lambda text: text.count(";") >= messages.MOST_COOKIES or look(fields(b"cookie", text))


def arriving(before: bytes) -> Callable[[str], object]:
    """A head that comes in many packets, and is looked at with each, as far as it is not refused."""

    def look(text: str) -> None:
        sent, arrival = before + text.encode("utf-8", "replace"), HeadArrival(_LIMITS)
        for end in range(PACKET, len(sent) + PACKET, PACKET):
            if arrival.end_of(sent[:end]) >= 0 or arrival.refusal(sent[:end]) is not None:
                return

    return look


def in_chunks(text: str) -> object:
    """What a client sends in chunks, byte for byte, or what it sends in place of them."""
    sent = text.encode("utf-8", "replace")
    return Chunks(65536).feed(sent, []), Chunks(65536).feed(b"1\r\nx\r\n" * (len(sent) // 12), [])


def place(app: App) -> Callable[[str], object]:
    """A target is ASCII, or it is refused before."""
    return lambda text: rule_of_path(app, "/x" + text.encode("ascii", "replace").decode()[:LONGEST_PATH_AT_APPS], "GET")


def read_sessions(text: str) -> object:
    if text.count(";") >= messages.MOST_COOKIES:
        return None
    line = text.encode("utf-8", "replace")
    left_out = read_cookies(line, SESSIONS, ALICE).left_out if may_hold_sessions(line, SESSIONS) else ()
    return removals(left_out, b"app.example.com", b"/" + line[:8000]), sessions_in(line, SESSIONS, ALICE)


LOOKS: dict[str, Callable[[str], object]] = {
    "app_sessions, a Cookie line": read_sessions,
    "app_sessions, a Set-Cookie line": lambda text: stamped_line(text.encode("utf-8", "replace"), SESSIONS, ALICE, b"a.com", b"/"),
    "percent.unescaped": percent.unescaped,
    "percent.printable": percent.printable,
    "org_places, up to the longest path": lambda text: judged_place(text[:LONGEST_PATH]),
    "org_places": judged_place,
    "org_parameters.folded_names": lambda text: folded_names((text,)),
    "org_parameters, a query": taken,
    "org_parameters, a form of another site": lambda text: foreign_forms.return_parameters(text.encode("utf-8", "replace")),
    "nested_tokens": nested_tokens.nested_tokens,
    "nested_tokens.tokens_in_location": nested_tokens.tokens_in_location,
    "nested_tokens.tokens_in_location, a query": lambda text: nested_tokens.tokens_in_location("/oauth2/v1/authorize?" + text),
    "org_requests, a path of a DELETE": lambda text: org_requests.read(head("/" + text[:4095], "DELETE")),
    "org_requests, a path": lambda text: org_requests.read(head("/" + text)),
    "org_requests, a query": lambda text: org_requests.read(head("/oauth2/v1/authorize?" + text)),
    "org_requests, a request object": lambda text: org_requests.read(head("/oauth2/v1/authorize?request=e30." + text)),
    "org_requests, an id_token_hint": lambda text: org_requests.read(head("/oauth2/v1/logout?id_token_hint=e30." + text)),
    "org_requests, a form": body("/login/sessionCookieRedirect", FORM),
    "org_requests, JSON": body("/api/v1/sessions", JSON),
    "org_requests, a name in JSON": lambda text: body("/api/v1/sessions", JSON)(json.dumps({text[::2]: "a", "a": text[1::2]})),
    "org_requests, bytes that are no text": lambda text: org_requests.read(
        head("/login/sessionCookieRedirect", "POST", (b"Content-Type", FORM)), text.encode("latin-1", "replace")
    ),
    "org_requests, text": body("/app/a/b/sso/saml", PLAIN),
    "org_requests, a Content-Type": lambda text: org_requests.read(head("/app/a", "POST", *fields(b"content-type", text)), b"a=b"),
    "the reload of a link, without its tokens": lambda text: org_requests.without_tokens("/?" + text),
    "cookies.session_cookies": cookie(cookies.session_cookies),
    "cookies.without, for an app": cookie(lambda lines: cookies.without(lines, cookies.not_the_apps)),
    "cookies.without, for an app, a browser's own values": cookie(
        lambda lines: cookies.without(lines, cookies.NotTheApps(lambda value: okta_values.has_form(okta_values.bare(value)), (OWN_VALUE,)))
    ),
    "okta_values.has_form": lambda text: okta_values.has_form(b"eyJ" + text.encode("utf-8", "replace")),
    "cookies.without, with a token": cookie(lambda lines: cookies.without(lines, leaves_with_token)),
    "cookies.without, one value": lambda text: cookies.without(fields(b"cookie", 'a="' + text.replace(";", "")), leaves_with_token),
    "cookies.single": cookie(lambda lines: cookies.single(lines, cookies.PASS_NAME)),
    "hop_by_hop.takes_away": lambda text: hop_by_hop.takes_away(text.encode("utf-8", "replace")),
    "fields.to_org": cookie(
        lambda lines: hop_by_hop.takes_away(lines[0][1]) or to_org((*lines, (b"connection", lines[0][1])), "192.0.2.1", leaves_with_token)
    ),
    "redemption.cookies_set": lambda text: cookies_set(fields(b"set-cookie", text)),
    "redemption.settled": lambda text: settled(fields(b"set-cookie", text), (), "login.example.com"),
    "messages.read_head, a target": lambda text: messages.read_head("GET", "/" + text, (1, 1), ((b"host", b"a"),), WIDE),
    "messages.read_head, a field": lambda text: messages.read_head("GET", "/", (1, 1), ((b"host", b"a"), *fields(b"a", text)), WIDE),
    "messages.parse_authority": lambda text: messages.parse_authority("a" + text, True),
    "request_heads: a target": lambda text: HeadReader(_LIMITS).read(b"GET /" + text.encode("utf-8", "replace") + b" HTTP/1.1\r\nHost: a"),
    "request_heads: lines": lambda text: HeadReader(_LIMITS).read(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + text.encode("utf-8", "replace")),
    "request_heads: a beginning": lambda text: begins_badly(text.encode("utf-8", "replace"), False),
    "request_heads: whole lines": lambda text: goes_on_badly(b"X: " + text.encode("utf-8", "replace") + b"\r\n"),
    "head_arrival: a target, in packets": arriving(b"GET /"),
    "head_arrival: a method, in packets": arriving(b"GET"),
    "head_arrival: a field, in packets": arriving(b"GET / HTTP/1.1\r\nX: "),
    "head_arrival: blanks, in packets": arriving(b"GET / HTTP/1.1\r\nX:" + b" " * 1024),
    "chunks": in_chunks,
    "chunks: a size": lambda text: Chunks(65536).feed(b"1;" + text.encode("utf-8", "replace") + b"\r\n", []),
    "chunks: trailers": lambda text: Chunks(65536).feed(b"0\r\nX: " + text.encode("utf-8", "replace") + b"\r\n", []),
    "navigation.kind_of": lambda text: navigation.kind_of(head("/", "GET", *fields(b"accept", text), *fields(b"upgrade", text))),
    "navigation.own_target": lambda text: navigation.own_target("/" + text),
    "navigation.return_url": lambda text: navigation.return_url("https://" + text, ("https://a.example.com",)),
    "navigation.origin_is_listed": lambda text: navigation.origin_is_listed(
        head("/", "GET", *fields(b"referer", "https://" + text)), ("https://b.example.com",)
    ),
    "start.judge": lambda text: start.judge(head("/", "GET", *fields(b"origin", text)), start.TokenOrigin(), start.StartRules(())),
    "clients.client_of": lambda text: clients.client_of(head("/oauth2/v1/authorize?client_id=" + text)),
    "new_session.session_name": lambda text: new_session.session_name(SessionCookie(b"idx", text.encode("utf-8", "replace") + b".x")),
    "navigation.client_address": lambda text: navigation.client_address("192.0.2.1", [text.encode("utf-8", "replace")], ()),
    "sign_in_loops.StartMark": lambda text: sign_in_loops.StartMark.parse(text.encode("utf-8", "replace"), 0.0),
    "paths.normalised": lambda text: paths.normalised("/" + text),
    "odd_paths.odd_readings": lambda text: odd_paths.odd_readings(
        "/..;/" + text.encode("ascii", "replace").decode().replace("%", ""), True
    ),
    "navigation.own_target, an odd path": lambda text: navigation.own_target("/a/%5C" + text),
    "paths.is_own": lambda text: paths.is_own("/%2e" + text),
    "paths.is_plain": lambda text: paths.is_plain("/" + text),
    "routing, up to the longest path by default": place(HR),
    "routing, as Windows reads it": place(IIS),
    "own.requests.parameters": lambda text: parameters("a=" + text),
    "dialects, X-Original-URL": asked(b"X-Original-URL"),
    "dialects, X-Forwarded-Uri": asked(b"X-Forwarded-Uri"),
    "answer_fields.private": lambda text: private(fields(b"cache-control", text), False),
    "answer_fields.from_app": lambda text: from_app(
        (*fields(b"connection", text), *fields(b"set-cookie", text)), lambda line: kept_cookie(line, "login.example.com")
    ),
    "app_cookies.kept_cookie": lambda text: kept_cookie(b"sid=1; Domain=" + text.encode("latin-1", "replace"), "login.example.com"),
    "rewriting, a Location": lambda text: REWRITING.answer(fields(b"location", "http://inner/b" + text)),
    "rewriting, a Refresh": lambda text: REWRITING.answer(fields(b"refresh", "0;url=x" + text)),
    "rewriting, a Set-Cookie": lambda text: REWRITING.answer(fields(b"set-cookie", "a=1; Path=/b" + text)),
}
