"""Builds the connections to the servers of one app: its balancer, a pool for each server, and the health checks.

Must never decide which server gets a request: ``policy.routing.balancing`` does.
"""

from contextlib import AsyncExitStack

from gateway.compose.failures import app_watch
from gateway.compose.hosts import app_host, balancer, deadlines, servers
from gateway.compose.parts import Parts
from gateway.config import AppTable
from gateway.edge.http_proxy import HttpProxy
from gateway.policy.routing.balancing import Balancer
from gateway.policy.routing.server_health import Server, is_healthy
from gateway.upstream.health import HealthChecks, question
from gateway.upstream.pool import PoolRules, Upstream
from gateway.upstream.servers import BalancerUse, Servers


def app_servers(parts: Parts, app: AppTable, opened: AsyncExitStack) -> Servers:
    """The servers of the app. What this opens is closed with ``opened``."""
    choice = balancer(app, parts.seal_keys)
    rules, watch = PoolRules(app.connections, app.keep_alive), app_watch(app.name, parts.tell, parts.own_addresses)
    pools: dict[Server, Upstream] = {}
    for server, place in servers(app, parts.folder):
        pools[server] = Upstream(place, deadlines(app), rules, BalancerUse(choice, server, parts.clock.monotonic), parts.names, watch)
        opened.push_async_callback(pools[server].aclose)
    if app.health_path:
        checks = _checks(parts, app, choice, pools)
        checks.start()
        opened.push_async_callback(checks.aclose)
    return Servers(choice, pools, parts.clock.monotonic)


def _checks(parts: Parts, app: AppTable, choice: Balancer, pools: dict[Server, Upstream]) -> HealthChecks:
    method, target, fields = question(app.health_path, app_host(app))
    rules, watch = PoolRules(1, 0.0), app_watch(app.name, parts.tell, parts.own_addresses)
    ways = {
        server: HttpProxy(Upstream(pool.place, pool.deadlines, rules, names=parts.names, watch=watch)) for server, pool in pools.items()
    }

    async def probe(server: Server) -> bool:
        exchange = await ways[server].exchange(method, target, fields)
        exchange.abort()
        return is_healthy(exchange.status)

    def told(server: Server, healthy: bool) -> None:
        if choice.checked(server, healthy):
            parts.tell("server_up" if healthy else "server_down", {"app": app.name, "address": server.name})

    return HealthChecks(tuple(pools), probe, told, app.health_interval)
