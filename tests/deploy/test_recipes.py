"""The recipes for Kubernetes agree with the gateway and with each other: whom they ask, what they send, what they take over.

The fields that an app is told are the program's defaults; the paths are those of its sub-request door.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from gateway.policy.routing.dialects import AUTH, dialect_of
from tests.deploy.objects import DEPLOY, RECIPES, Object, of, one
from tests.harness.configuration import settings

IDENTITY = {name.lower() for name in settings().config.apps[0].identity}
# What the gateway needs to see of a request to judge it; host, method and path are always sent.
NEEDED = {
    "cookie",
    "accept",
    "access-control-request-method",
    "origin",
    "sec-fetch-mode",
    "sec-fetch-dest",
    "sec-fetch-site",
    "x-requested-with",
    "x-forwarded-for",
    "user-agent",
}


def _mesh() -> Object:
    (provider,) = yaml.safe_load((DEPLOY / "istio" / "mesh-values.yaml").read_text(encoding="utf-8"))["meshConfig"]["extensionProviders"]
    assert isinstance(provider, dict)
    return provider


def _filter() -> Object:
    rules = one(of("gateway-api/external-auth.yaml"), "HTTPRoute", "hr")["spec"]["rules"]
    (found,) = [entry["externalAuth"] for rule in rules for entry in rule.get("filters", ()) if entry["type"] == "ExternalAuth"]
    assert isinstance(found, dict)
    return found


def _policy() -> Object:
    found = one(of("gateway-api/envoy-gateway.yaml"), "SecurityPolicy")["spec"]["extAuth"]
    assert isinstance(found, dict)
    return found


def _forward_auth() -> Object:
    found = one(of("traefik-crd/session-gateway.yaml"), "Middleware", "ask-session-gateway")["spec"]["forwardAuth"]
    assert isinstance(found, dict)
    return found


def _annotations() -> dict[str, str]:
    given = one(of("ingress-nginx/ingress.yaml"), "Ingress", "hr")["metadata"]["annotations"]
    return {name.removeprefix("nginx.ingress.kubernetes.io/"): value for name, value in given.items()}


def _path(address: str) -> str:
    return re.sub(r"^https?://[^/]+", "", address)


def test_every_recipe_asks_in_the_words_of_its_proxy() -> None:
    asked = {
        "istio": f"{_mesh()['envoyExtAuthzHttp']['pathPrefix']}/deep/link",
        "filter": f"{_filter()['http']['path']}/deep/link",
        "policy": f"{_policy()['http']['path']}/deep/link",
        "traefik": _path(_forward_auth()["address"]),
        "nginx": _path(_annotations()["auth-url"]),
    }
    dialects = {recipe: dialect.name if (dialect := dialect_of(path)) else None for recipe, path in asked.items()}
    assert dialects == {"istio": "envoy", "filter": "envoy", "policy": "envoy", "traefik": "traefik", "nginx": "nginx"}


def test_every_recipe_overwrites_whom_the_client_says_it_is() -> None:
    taken = [
        _mesh()["envoyExtAuthzHttp"]["headersToUpstreamOnAllow"],
        _filter()["http"]["allowedResponseHeaders"],
        _policy()["http"]["headersToBackend"],
        _forward_auth()["authResponseHeaders"],
        _annotations()["auth-response-headers"].split(","),
    ]
    assert [{name.lower() for name in names} for names in taken] == [IDENTITY] * 5


def test_the_gateway_sees_what_it_judges_by() -> None:
    sent = [
        _mesh()["envoyExtAuthzHttp"]["includeRequestHeadersInCheck"],
        _filter()["http"]["allowedHeaders"],
        _policy()["headersToExtAuth"],
    ]
    for names in sent:
        patterns = [name.lower() for name in names]
        seen = {
            name for name in NEEDED for pattern in patterns if name == pattern or (pattern[-1] == "*" and name.startswith(pattern[:-1]))
        }
        assert seen == NEEDED


def test_no_recipe_lets_anybody_in_when_the_gateway_is_silent() -> None:
    assert (_mesh()["envoyExtAuthzHttp"]["failOpen"], _mesh()["envoyExtAuthzHttp"]["statusOnError"]) == (False, "503")
    assert (_policy()["failOpen"], _policy()["statusOnError"]) == (False, 503)
    waits = settings().config.okta
    for given in (_mesh()["envoyExtAuthzHttp"]["timeout"], _policy()["timeout"]):
        assert int(given.removesuffix("s")) > waits.connect_timeout + waits.first_byte_timeout


def test_the_mesh_asks_the_provider_that_it_knows() -> None:
    policy = one(of("istio/policies.yaml"), "AuthorizationPolicy", "session-gateway")["spec"]
    assert policy["provider"]["name"] == _mesh()["name"]
    (rule,) = policy["rules"]
    assert rule["to"][0]["operation"]["notPaths"] == ["/.gateway/*"]


def _led_to(recipe: str) -> Iterator[tuple[str, str, Any]]:
    """(host, path prefix, names of the backends) of every rule of the recipe's routes."""
    for thing in of(recipe):
        if thing["kind"] == "HTTPRoute":
            for host in thing["spec"]["hostnames"]:
                for rule in thing["spec"]["rules"]:
                    (match,) = rule.get("matches", [{"path": {"value": "/"}}])
                    yield host, match["path"]["value"], [backend["name"] for backend in rule.get("backendRefs", ())]
        if thing["kind"] == "Ingress":
            for rule in thing["spec"]["rules"]:
                for path in rule["http"]["paths"]:
                    yield rule["host"], path["path"], [path["backend"]["service"]["name"]]


@pytest.mark.parametrize(
    "recipe", [recipe for recipe in RECIPES if recipe not in ("istio/policies.yaml", "traefik-crd/session-gateway.yaml")]
)
def test_own_paths_lead_to_the_gateway_and_the_sub_request_door_to_nobody(recipe: str) -> None:
    led = {(host, path): names for host, path, names in _led_to(recipe)}
    assert led["login.example.com", "/"] == ["session-gateway"]
    assert led["hr.example.com", "/.gateway"] == ["session-gateway"]
    assert led["hr.example.com", "/"] == ["hr"]
    if not recipe.startswith("istio/"):
        for host in ("login.example.com", "hr.example.com"):
            assert led[host, AUTH] in ([], ["nowhere"])


def test_traefik_and_the_mesh_keep_the_sub_request_door_to_themselves() -> None:
    routes = [
        route for thing in of("traefik-crd/session-gateway.yaml") if thing["kind"] == "IngressRoute" for route in thing["spec"]["routes"]
    ]
    assert len(routes) == 3
    assert [
        route["match"]
        for route in routes
        if f"!PathPrefix(`{AUTH}`)" not in route["match"] and "!PathPrefix(`/.gateway`)" not in route["match"]
    ] == []
    asked = [route["match"] for route in routes if any(used["name"] == "ask-session-gateway" for used in route["middlewares"])]
    assert asked == ["Host(`hr.example.com`) && !PathPrefix(`/.gateway`)"]
    (rule,) = one(of("istio/policies.yaml"), "AuthorizationPolicy", "session-gateway-asked-by-nobody-else")["spec"]["rules"]
    assert rule["to"][0]["operation"]["paths"] == [AUTH, f"{AUTH}*"]


@pytest.mark.parametrize("folder", (".", "gateway-api", "helm", "ingress-nginx", "istio", "kustomize", "sidecar", "systemd", "traefik-crd"))
def test_what_a_readme_names_exists(folder: str) -> None:
    text = (DEPLOY / folder / "README.md").read_text(encoding="utf-8")
    linked = [target for target in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in target]
    assert [target for target in linked if not (DEPLOY / folder / target).exists()] == []
    named = re.findall(r"(?<=\s)deploy/[\w./-]+", text)
    assert [path for path in named if not (DEPLOY.parent / path).exists()] == []
    assert "```" in text
