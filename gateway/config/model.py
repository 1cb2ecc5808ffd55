"""The configuration as values: one frozen class for each table of the file, with all defaults.

Owns the names, types and defaults of all keys. Must never read a file, the environment or a secret, and never compare two keys: `checks`
does that. A new key is added here and in `config/gateway.toml` at the same time; `config/README.md` is made from that file.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from gateway.config.values import (
    Bytes,
    HostName,
    ListenAddress,
    ListenAddressOrNone,
    NetworkRange,
    PublicOrigin,
    PublicOriginOrNone,
    RedisUrlOrNone,
    Seconds,
    ServerAddress,
    ServerPort,
)
from gateway.policy.http.session_cookie_names import ENTRY_PATTERN, WELL_KNOWN

Access = Literal["session", "anyone", "optional", "nobody"]
Attribute = Literal["login", "user_id", "session_expires_at", "amr"]
FieldName = Annotated[str, StringConstraints(pattern=r"^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$")]
FieldValue = Annotated[str, StringConstraints(pattern=r"^[!-~]([ -~]{0,4094}[!-~])?$")]
Method = Annotated[str, StringConstraints(pattern=r"^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$")]
PathPattern = Annotated[str, StringConstraints(pattern=r"^/[^?#]*$")]
HealthPath = Annotated[str, StringConstraints(pattern=r"^(/[!-\"$-~]*)?$")]
SessionCookieName = Annotated[str, StringConstraints(pattern=ENTRY_PATTERN)]
Count = Annotated[int, Field(ge=1)]


class Table(BaseModel):
    """One table: unknown keys are errors, and nothing changes after it was read."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_default=True, allow_inf_nan=False)


def _spelled(text: str) -> Any:
    """A default, written as in a file, so that the schema and config/gateway.toml show the same text."""
    return Field(default=text)


class Listen(Table):
    """Where browsers, or the proxy before us, reach the gateway."""

    address: ListenAddress = "127.0.0.1:8080"
    redirect_address: ListenAddressOrNone = ""
    trusted_proxies: tuple[NetworkRange, ...] = ()
    insecure_trust_all_proxies: bool = False
    tls_certificate: str = ""
    tls_key: str = ""
    request_line: Bytes = _spelled("8KiB")
    fields_count: Count = 100
    fields_size: Bytes = _spelled("64KiB")
    head_timeout: Seconds = _spelled("15s")
    connections: Count = 20_000
    requests_per_client: Annotated[int, Field(ge=0)] = 500
    drain: Seconds = _spelled("20s")
    workers: Annotated[int, Field(ge=1, le=64)] = 1


class Admin(Table):
    """Where health and metrics are asked; never the public address."""

    address: ListenAddress = "127.0.0.1:9090"


class OktaTable(Table):
    """The org, and how it is asked."""

    org: PublicOrigin
    host: HostName = ""
    connect_to: PublicOriginOrNone = ""
    sign_in: Annotated[str, StringConstraints(pattern=r"^/[^/\\]")] = "/login/login.htm?fromURI={return}"
    ca_file: str = ""
    connect_timeout: Seconds = _spelled("3s")
    first_byte_timeout: Seconds = _spelled("5s")
    forward_first_byte_timeout: Seconds = _spelled("60s")
    idle_timeout: Seconds = _spelled("30s")
    connections: Count = 100


class Login(Table):
    """The login host, the only one that Okta's cookies ever see."""

    url: PublicOrigin
    request_line: Bytes = _spelled("32KiB")


class Seal(Table):
    """Where the keys of passes and tickets come from."""

    keys_file: str = ""


class SessionMemory(Table):
    """Who says that a session lives, and how long that is believed."""

    source: Literal["okta", "oidc"] = "okta"
    proof_interval: Seconds = _spelled("5m")
    ttl: Seconds = _spelled("10s")
    ttl_max: Seconds = _spelled("60s")
    ttl_with_hook: Seconds = _spelled("0s")
    grace: Seconds = _spelled("0s")
    keep_alive: Seconds = _spelled("0s")
    max_entries: Count = 100_000


class Oidc(Table):
    """The gateway as an OpenID Connect client of the org."""

    issuer: Annotated[str, StringConstraints(pattern=r"^(https?://[!-~]*[!-.0-~])?$")] = ""
    client_id: Annotated[str, StringConstraints(pattern=r"^[!-~]{0,256}$")] = ""
    client_secret_file: str = ""
    private_key_file: str = ""


class StateTable(Table):
    """Where that is kept which workers and replicas share, and what outlives a restart."""

    engine: Literal["auto", "memory", "sqlite", "redis"] = "auto"
    directory: str = ""
    url: RedisUrlOrNone = ""
    user_file: str = ""
    password_file: str = ""
    ca_file: str = ""
    client_certificate: str = ""
    client_key: str = ""
    sentinel: tuple[ServerPort, ...] = ()
    sentinel_password_file: str = ""
    cluster: bool = False
    timeout: Seconds = _spelled("1s")
    prefix: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:/-]{0,100}$")] = ""

    @property
    def is_redis(self) -> bool:
        """Whether the state is kept in Redis."""
        return self.engine == "redis" or (self.engine == "auto" and bool(self.url))


class SwitchTable(Table):
    """What may begin a user switch without asking the user."""

    trusted_origins: tuple[PublicOrigin, ...] = ()
    same_site: Literal["trust", "listed"] = "trust"
    without_session: Literal["ask", "redeem"] = "ask"
    return_origins: tuple[PublicOrigin, ...] = ()
    portal_secrets_file: str = ""
    unknown_request_uri: Literal["redemption", "forward"] = "redemption"


class HooksTable(Table):
    """What Okta may tell the gateway by itself."""

    okta_secret_file: str = ""
    universal_logout_apps: tuple[Annotated[str, StringConstraints(pattern=r"^[!-~]{1,256}$")], ...] = ()


class RuleTable(Table):
    """One rule of an app; the first that matches path and method decides."""

    path: PathPattern
    access: Access = "session"
    methods: Annotated[tuple[Method, ...], Field(min_length=1)] | None = None
    users: Annotated[tuple[Annotated[str, StringConstraints(min_length=1)], ...], Field(min_length=1)] | None = None
    amr: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    authenticated_within: Seconds | None = None


class ServerTable(Table):
    """One of several servers of an app."""

    url: ServerAddress
    weight: Count = 1


class AppTable(Table):
    """One app behind the gateway."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")]
    url: PublicOrigin
    title: Annotated[str, StringConstraints(strip_whitespace=True, max_length=80, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    servers: tuple[ServerTable, ...] = Field(default=(), alias="server")
    upstream: ServerAddress | None = None
    upstream_host: HostName = ""
    upstream_ca_file: str = ""
    upstream_client_certificate: str = ""
    upstream_client_key: str = ""
    upstream_server_name: HostName = ""
    strip_prefix: str = ""
    add_prefix: str = ""
    balance: Literal["least_requests", "sticky"] = "least_requests"
    health_path: HealthPath = ""
    health_interval: Seconds = _spelled("5s")
    access: Access = "session"
    allow_public_root: bool = False
    case_insensitive: bool = False
    allow_fields: tuple[FieldName, ...] = ()
    websocket_origins: tuple[PublicOrigin, ...] = ()
    cors_preflight: Literal["rules", "app"] = "rules"
    connect_timeout: Seconds = _spelled("5s")
    first_byte_timeout: Seconds = _spelled("60s")
    idle_timeout: Seconds = _spelled("5m")
    connections: Count = 1000
    largest_body: Bytes = _spelled("0B")
    buffer_uploads: Bytes = _spelled("0B")
    keep_alive: Seconds = _spelled("4s")
    session_cookies: tuple[SessionCookieName, ...] = WELL_KNOWN
    sign_out_path: HealthPath = ""
    identity: dict[FieldName, Attribute] = Field(default={"Remote-User": "login", "Remote-User-Id": "user_id"})
    set_fields: dict[FieldName, FieldValue] = Field(default={})
    rules: tuple[RuleTable, ...] = Field(default=(), alias="rule")

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses of the app's servers, from ``upstream`` or from ``[[app.server]]``; empty if a front proxy carries the app."""
        return tuple(server.url for server in self.servers) or ((self.upstream,) if self.upstream is not None else ())


class Subrequest(Table):
    """What front proxies get that ask for decisions."""

    max_age: Seconds = _spelled("0s")
    patience: Seconds = _spelled("0s")


class LogTable(Table):
    """What is written to standard error, and how."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "text"] = "json"


class Config(Table):
    """The whole configuration, without secrets."""

    listen: Listen = Listen()
    admin: Admin = Admin()
    okta: OktaTable
    login: Login
    seal: Seal = Seal()
    session: SessionMemory = SessionMemory()
    oidc: Oidc = Oidc()
    state: StateTable = StateTable()
    switch: SwitchTable = SwitchTable()
    hooks: HooksTable = HooksTable()
    subrequest: Subrequest = Subrequest()
    log: LogTable = LogTable()
    apps: tuple[AppTable, ...] = Field(default=(), alias="app")
