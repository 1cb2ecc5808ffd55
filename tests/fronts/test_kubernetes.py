"""Traefik's Kubernetes objects say what its tested file says: the same middlewares, the same rules in the same order."""

from typing import Any

import yaml

from tests.fronts.recipes import DEPLOY

FILE: dict[str, Any] = yaml.safe_load((DEPLOY / "traefik" / "session-gateway.yaml").read_text())["http"]
OBJECTS: list[dict[str, Any]] = list(yaml.safe_load_all((DEPLOY / "traefik" / "kubernetes.yaml").read_text()))


def test_the_middlewares_are_those_of_the_file_but_for_the_gateways_address() -> None:
    made = {found["metadata"]["name"]: found["spec"] for found in OBJECTS if found["kind"] == "Middleware"}
    address = made["ask"]["forwardAuth"].pop("address")
    tested = FILE["middlewares"]["ask"]["forwardAuth"].pop("address")
    assert address.partition(":8080")[2] == tested.partition(":8080")[2] == "/.gateway/auth/traefik"
    assert made == FILE["middlewares"]


def test_the_routes_are_those_of_the_file() -> None:
    [routes] = [found["spec"]["routes"] for found in OBJECTS if found["kind"] == "IngressRoute"]
    made = [(route["match"], [used["name"] for used in route["middlewares"]]) for route in routes]
    assert made == [(router["rule"], router["middlewares"]) for router in FILE["routers"].values()]
