"""Requests that a balancer sends and learns from, one after the other. Checks nothing by itself."""

from gateway.policy.routing.balancing import Balancer
from gateway.policy.routing.server_health import Server


def fail(balancer: Balancer, server: Server, now: float, times: int = 3) -> bool:
    """Whether the last of so many failed requests put the server out."""
    changed = False
    for _ in range(times):
        balancer.request_started(server)
        changed = balancer.request_ended(server, True, now)
    return changed


def succeed(balancer: Balancer, server: Server, now: float) -> bool:
    balancer.request_started(server)
    return balancer.request_ended(server, False, now)


def chosen(balancer: Balancer, now: float, times: int) -> list[Server | None]:
    return [balancer.choose(now) for _ in range(times)]


def sent(balancer: Balancer, now: float) -> Server | None:
    """Who got a request that is over without a word about it."""
    server = balancer.choose(now)
    if server is not None:
        balancer.request_started(server)
        balancer.request_ended(server, None, now)
    return server
