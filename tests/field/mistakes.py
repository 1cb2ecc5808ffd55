"""Common mistakes in a configuration, each with the line that `check` prints about it. Checks nothing by itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.harness.configuration import APP, LOGIN, OKTA, SMALLEST

LISTEN, RULE = "[listen]\n", "[[app.rule]]\n"
TLS = 'tls_certificate = "tls.crt"\ntls_key = "tls.key"\n'
BARE = SMALLEST.replace('upstream = "http://127.0.0.1:3000"\n', "")


def upstream(address: str, *more: str) -> str:
    """The smallest configuration with another server."""
    return "\n".join((SMALLEST.replace("http://127.0.0.1:3000", address).rstrip("\n"), *more, ""))


def rules(*texts: str) -> str:
    """The smallest configuration with these rules."""
    return SMALLEST + "".join(RULE + text.replace("; ", "\n") + "\n" for text in texts)


def identity(name: str) -> str:
    """The smallest configuration, whose app is told the login under this name."""
    return SMALLEST + f'[app.identity]\n"{name}" = "login"\n'


@dataclass(frozen=True)
class Mistake:
    """``said``: in the line about it, behind its place; ``environ``: further variables; ``line``: in gateway.toml, 0: elsewhere."""

    name: str
    text: str
    key: str
    said: tuple[str, ...]
    line: int = 0
    environ: Mapping[str, str] = field(default_factory=dict)


def mistake(name: str, text: str, key: str, *said: str, line: int = 0, **environ: str) -> Mistake:
    return Mistake(name, text, key, said, line, environ)


ERRORS = [
    # names of identity fields
    *(
        mistake(f"identity {name}", identity(name), f"app[0].identity.{name}", "another request", "such as", line=10)
        for name in ("Content-Length", "Host", "Connection", "Cookie", "Transfer-Encoding", "transfer_encoding", "TE", "Expect")
    ),
    mistake("identity is an address", identity("X-Forwarded-For"), "app[0].identity.X-Forwarded-For", "take the user for an address"),
    mistake("identity is an override", identity("X-Original-URL"), "app[0].identity.X-Original-URL", "by which way"),
    mistake("identity is a browser's field", identity("Authorization"), "app[0].identity.Authorization", "field of every browser"),
    mistake("identity is Accept-Language", identity("Accept-Language"), "app[0].identity.Accept-Language", "field of every browser"),
    mistake("identity is the request's id", identity("X-Request-Id"), "app[0].identity.X-Request-Id", "is the id of the request"),
    mistake(
        "identity twice",
        SMALLEST + '[app.identity]\nX-User = "login"\nx_user = "user_id"\n',
        "app[0].identity.x_user",
        'is "X-User" to most servers',
        line=11,
    ),
    mistake("a hop's field allowed", SMALLEST + 'allow_fields = ["Connection"]\n', "app[0].allow_fields[0]", "changes nothing", line=9),
    mistake("identity allowed", SMALLEST + 'allow_fields = ["Remote-User"]\n', "app[0].allow_fields[0]", "never taken from a client"),
    # rules
    mistake(
        "everything before something",
        rules('path = "/**"', 'path = "/admin/**"; users = ["bob@example.com"]'),
        "app[0].rule[1].path",
        'is never reached, because "/**" stands before it',
        "move this rule before",
        line=12,
    ),
    mistake("a rule twice", rules('path = "/x/**"', 'path = "/x/**"'), "app[0].rule[1].path", "keep one of them", line=12),
    mistake(
        "a tree before its branch",
        rules('path = "/a/**"; access = "anyone"', 'path = "/a/b/*"'),
        "app[0].rule[1].path",
        '"/a/**" stands before it',
    ),
    mistake("lower-case method", rules('path = "/x"; methods = ["get"]'), "app[0].rule[0].methods", 'another method than "GET"', line=11),
    mistake("TRACE", rules('path = "/x"; methods = ["TRACE"]'), "app[0].rule[0].methods", "never reaches an app"),
    mistake("a star for users", rules('path = "/x"; users = ["*@example.com"]'), "app[0].rule[0].users", '"@example.com" for everybody'),
    mistake("users in one text", rules('path = "/x"; users = ["a@b.org, c@b.org"]'), "app[0].rule[0].users", "in quotes of its own"),
    mistake("no age at all", rules('path = "/x"; authenticated_within = "0s"'), "app[0].rule[0].authenticated_within", "nobody would"),
    mistake("a rule for our own path", rules('path = "/.gateway/**"'), "app[0].rule[0].path", "a path of the gateway"),
    mistake("a pattern with a query", rules('path = "/x?y=1"'), "app[0].rule[0].path", "holds no ?"),
    # addresses
    mistake("the gateway asks itself", upstream("http://127.0.0.1:8080"), "app[0].upstream", "own listen.address", line=8),
    mistake("by its other name", upstream("http://localhost:8080"), "app[0].upstream", "would ask itself"),
    mistake("the admin address", upstream("http://127.0.0.1:9090"), "app[0].upstream", "own admin.address"),
    mistake(
        "one of several",
        BARE + '[[app.server]]\nurl = "http://10.0.0.1:80"\n[[app.server]]\nurl = "http://127.0.0.1:8080"\n',
        "app[0].server[1].url",
        "own listen.address",
        line=11,
    ),
    mistake("admin on the public port", SMALLEST + '[listen]\naddress = ":9090"\n', "admin.address", "is the public address too"),
    mistake(
        "the custom domain leads here",
        OKTA + 'host = "login.example.com"\nconnect_to = "https://login.example.com"\n' + LOGIN + APP,
        "okta.connect_to",
        "CNAME target",
        line=4,
    ),
    mistake(
        "everybody in two halves",
        SMALLEST + LISTEN + 'trusted_proxies = ["0.0.0.0/1", "128.0.0.0/1"]\n',
        "listen.trusted_proxies",
        "every client may invent its own",
        line=10,
    ),
    mistake(
        "everybody in sixteen parts",
        SMALLEST + LISTEN + f"trusted_proxies = {[f'{number:x}000::/4' for number in range(16)]}\n",
        "listen.trusted_proxies",
        "every client may invent its own",
    ),
    # the environment
    mistake(
        "one underscore",
        SMALLEST,
        "environment SESSION_GATEWAY_SESSION_TTL",
        "did you mean SESSION_GATEWAY__SESSION__TTL?",
        SESSION_GATEWAY_SESSION_TTL="10s",
    ),
    mistake(
        "three underscores",
        SMALLEST,
        "environment SESSION_GATEWAY_SESSION__TTL",
        "SESSION_GATEWAY__SESSION__TTL",
        SESSION_GATEWAY_SESSION__TTL="10s",
    ),
    mistake(
        "small letters",
        SMALLEST,
        "environment session_gateway__session__ttl",
        "SESSION_GATEWAY__SESSION__TTL",
        session_gateway__session__ttl="10s",
    ),
    mistake(
        "one key of seals",
        SMALLEST,
        "environment SESSION_GATEWAY_SEAL_KEY",
        "did you mean SESSION_GATEWAY_SEAL_KEYS?",
        SESSION_GATEWAY_SEAL_KEY="x",
    ),
    mistake(
        "a section that is none",
        SMALLEST,
        "environment SESSION_GATEWAY__SESION__TTL",
        'did you mean "session"?',
        SESSION_GATEWAY__SESION__TTL="1s",
    ),
    # the rest
    mistake("a misspelt key", SMALLEST + '[session]\ntll = "1s"\n', "session.tll", 'did you mean "ttl"?', line=10),
    mistake("no unit", SMALLEST + "[session]\nttl = 10\n", "session.ttl", "has no unit", line=10),
    mistake("a path in an origin", SMALLEST.replace("hr.example.com", "hr.example.com/app"), "app[0].url", "only scheme, host and port"),
    mistake("plain http to the public", SMALLEST.replace("https://hr", "http://hr"), "app[0].url", "only for this machine"),
    mistake("nobody carries the app", BARE, "app[0].upstream", "is missing"),
    mistake("open by mistake", SMALLEST + 'access = "anyone"\n', "app[0].access", "opens hr to everybody", line=9),
    mistake("a certificate without its key", SMALLEST + LISTEN + 'tls_certificate = "x"\n', "listen.tls_key", "is missing"),
    mistake("a CA that is absent", OKTA + 'ca_file = "absent.pem"\n' + LOGIN + APP, "okta.ca_file", "No such file", line=3),
]

WARNINGS = [
    mistake(
        "some methods of a page",
        rules('path = "/admin/**"; methods = ["GET", "POST"]; users = ["bob@example.com"]'),
        "app[0].rule[0].methods",
        'HEAD, PUT, PATCH, DELETE fall under access = "session"',
        "leave methods out",
        line=11,
    ),
    mistake(
        "methods that are meant to be all",
        rules('path = "/read/**"; methods = ["GET", "HEAD"]'),
        "app[0].rule[0].methods",
        "changes nothing",
        'add a rule for this path with access = "nobody"',
        line=11,
    ),
    mistake(
        "a page for a tree", rules('path = "/admin"; users = ["bob@example.com"]'), "app[0].rule[0].path", 'write "/admin/**"', line=10
    ),
    mistake(
        "a page in an open app", SMALLEST + 'access = "optional"\n' + RULE + 'path = "/my"\n', "app[0].rule[0].path", 'access = "optional"'
    ),
    mistake("a user without a domain", rules('path = "/x/**"; users = ["alice"]'), "app[0].rule[0].users", '"alice" has no @', line=11),
    mistake("a factor misspelt", rules('path = "/x/**"; amr = ["MFA"]'), "app[0].rule[0].amr", 'did you mean "mfa"?'),
    mistake("a factor unknown", rules('path = "/x/**"; amr = ["zzzz"]'), "app[0].rule[0].amr", "known are pwd"),
    mistake("seconds for minutes", rules('path = "/x/**"; authenticated_within = "15s"'), "app[0].rule[0].authenticated_within", '"15m"'),
    mistake("milliseconds", SMALLEST + '[session]\nttl = "1ms"\n', "session.ttl", "Okta is asked for nearly every request", line=10),
    mistake("always kept alive", SMALLEST + '[session]\nkeep_alive = "1s"\n', "session.keep_alive", 'as in "5m"'),
    mistake("a long memory of a proxy", SMALLEST + '[subrequest]\nmax_age = "1h"\n', "subrequest.max_age", "after they have signed out"),
    mistake("hardly any time", SMALLEST + 'first_byte_timeout = "5ms"\n', "app[0].first_byte_timeout", "good servers look dead"),
    mistake("hardly any time for a head", SMALLEST + '[listen]\nhead_timeout = "15ms"\n', "listen.head_timeout", "hardly any time"),
    mistake(
        "a whole LAN",
        SMALLEST + LISTEN + 'trusted_proxies = ["10.0.0.0/8"]\n',
        "listen.trusted_proxies[0]",
        "any address for itself",
        line=10,
    ),
    mistake(
        "a whole small LAN", SMALLEST + LISTEN + 'trusted_proxies = ["192.168.0.0/16"]\n', "listen.trusted_proxies[0]", "whole network"
    ),
    mistake("a whole IPv6 LAN", SMALLEST + LISTEN + 'trusted_proxies = ["2a00::/16"]\n', "listen.trusted_proxies[0]", "whole network"),
    mistake("the example's proxy", SMALLEST + LISTEN + 'trusted_proxies = ["192.0.2.10"]\n', "listen.trusted_proxies[0]", "of examples"),
    mistake("the admin console", SMALLEST.replace("example.okta", "example-admin.okta"), "okta.org", '"https://example.okta.com"', line=2),
    mistake("Okta's own site", SMALLEST.replace("example.okta.com", "okta.com"), "okta.org", "name your org"),
    mistake("its own public name", upstream("https://hr.example.com"), "app[0].upstream", "whose DNS leads to the gateway", line=8),
    mistake("another port", SMALLEST.replace("hr.example.com", "hr.example.com:8443"), "app[0].url", "at port 8443", line=7),
    mistake("no port of ours", SMALLEST.replace("example.com", "example.com:9443", 3), "login.url", "listens at 8080", line=4),
    mistake("TLS in plain", upstream("http://10.0.0.1:443"), "app[0].upstream", "mostly speak https", line=8),
    mistake("plain in TLS", upstream("https://hr.internal:80"), "app[0].upstream", "mostly speak http"),
    mistake("TLS to an address", upstream("https://10.0.0.1:8443"), "app[0].upstream", "upstream_server_name"),
    mistake("kept for too long", SMALLEST + 'keep_alive = "5m"\n', "app[0].keep_alive", "less than the server itself"),
    mistake("no room for a form", SMALLEST + 'largest_body = "10B"\n', "app[0].largest_body", "nearly every form"),
    mistake("sticky to one", SMALLEST + 'balance = "sticky"\n', "app[0].balance", "several servers"),
    mistake(
        "everybody, asked for",
        SMALLEST + LISTEN + "insecure_trust_all_proxies = true\n",
        "listen.insecure_trust_all_proxies",
        "from anybody",
    ),
    mistake("open, asked for", SMALLEST + 'access = "anyone"\nallow_public_root = true\n', "app[0].allow_public_root", "open to everybody"),
    mistake("grace", SMALLEST + '[session]\ngrace = "1m"\n', "session.grace", "an old answer counts"),
]
