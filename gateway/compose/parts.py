"""The objects that more than one door needs, made once for each process.

Owns which of them gets which others, and the order in which they are closed. Must never connect to a server while they are made: clients
connect when they are used.
"""

import asyncio
import secrets
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from aiohttp import ClientSession

from gateway.clock import Clock
from gateway.closing.closing_steps import ClosingTimes
from gateway.closing.kept_closings import KeptClosings
from gateway.closing.session_closer import Closer
from gateway.compose.failures import okta_watch
from gateway.compose.hosts import OrgAddress, fingerprinter, org_address, org_timeouts, route_table, session_rules
from gateway.compose.oidc_client import OidcClient, oidc_client
from gateway.config import Config, Settings
from gateway.coordination.in_flight_requests import InFlightRequests
from gateway.doors.own.tickets import LONGEST_TEXT, Tickets
from gateway.edge.open_connections import OpenConnections
from gateway.edge.write_batch import WriteBatch
from gateway.observe import Tell
from gateway.observe.metrics import Metrics
from gateway.okta import Okta
from gateway.outbound import open_client
from gateway.policy.routing.routing import RouteTable
from gateway.policy.session.revocation_epoch import RevocationEpoch
from gateway.policy.session.seal import Sealer
from gateway.policy.session.session import Fingerprinter
from gateway.resolver import Resolver, ResolverOfClient
from gateway.revocations import Revocation, SharedRevocations
from gateway.sessions import Asking, AskingRules, Sessions, is_session_revoked
from gateway.shared_state import SharedState
from gateway.upstream.connection import Listening

ADDRESS_BYTES = 64
"""Bytes of a request line beside the ticket: method, path, the parameter's name, version."""
LEAST_ASKING_CONNECTIONS = 30
"""More than the number of questions that run at once (``AskingRules.most_running``), so that closings find a free connection too."""


@dataclass(frozen=True, slots=True)
class Parts:
    """All shared objects, and the values that were made from the configuration.

    ``asking_client`` asks Okta who is signed in, and closes sessions. It has connections of its own, so slow clients cannot take
    connections away from the session checks. ``own_addresses``: where this gateway listens.
    """

    config: Config
    clock: Clock
    table: RouteTable
    org: OrgAddress
    fingerprinter: Fingerprinter
    sealer: Sealer
    asking_client: ClientSession
    names: Resolver
    revocations: SharedRevocations
    state: SharedState
    sessions: Sessions
    closer: Closer
    open_connections: OpenConnections
    batch: WriteBatch
    oidc: OidcClient | None
    tickets: Tickets
    folder: Path
    seal_keys: tuple[bytes, ...]
    portal_secrets: tuple[str, ...]
    hook_secrets: tuple[str, ...]
    tell: Tell
    own_addresses: tuple[Listening, ...] = ()

    async def aclose(self) -> None:
        """Stop what runs in the background, then close its connections."""
        await self.closer.aclose()
        await self.sessions.aclose()
        await self.asking_client.close()
        await self.names.aclose()


def folder_of(settings: Settings) -> Path:
    """The folder of the configuration file. Files that it names are looked for there."""
    return Path(settings.written.name).parent


def resolver(config: Config, nameservers: tuple[str, ...] = ()) -> Resolver:
    """The resolver, which finds the addresses of all servers.

    A look-up may last as long as the longest ``connect_timeout``. Each connection waits for it only as long as its own timeout.
    """
    return Resolver(max((config.okta.connect_timeout, *(app.connect_timeout for app in config.apps))), nameservers)


def make_parts(
    settings: Settings,
    clock: Clock,
    tell: Tell,
    revocations: SharedRevocations,
    state: SharedState,
    nameservers: tuple[str, ...] = (),
    okta: Okta | None = None,
) -> Parts:
    """The parts for these settings. Call it inside the running event loop. ``state`` must stay open as long as they are used.

    ``nameservers`` as in ``Resolver``. ``okta``: used instead of the org's Sessions API over the network.
    """
    config = settings.config
    org = org_address(config, folder_of(settings))
    names = resolver(config, nameservers)
    connections = max(LEAST_ASKING_CONNECTIONS, config.okta.connections // 4)
    asking_client = open_client(org_timeouts(config), connections, resolver=ResolverOfClient(names))
    sealer = Sealer(settings.seal_keys, secrets.token_bytes)
    fingerprints = fingerprinter(config, settings.seal_keys)
    oidc = oidc_client(settings, (asking_client, org), sealer, state, partial(is_session_revoked, revocations, fingerprints), clock)
    failed = partial(okta_watch(tell).failed, org.destination.base)
    api = oidc.proofs if oidc is not None else okta or Okta(asking_client, org.destination, org_timeouts(config), failed)
    open_connections = OpenConnections()
    revocations.subscribe(lambda revocation: _cut(open_connections, revocation))
    rules = replace(session_rules(config), epoch=RevocationEpoch(state.epoch, clock.wall()))
    sessions = Sessions(Asking(api, clock, tell, _asking_rules(config)), revocations, fingerprints, rules, clock, tell)
    closer = Closer(
        sessions,
        api,
        KeptClosings(state, sealer),
        InFlightRequests(state),
        tell,
        ClosingTimes(config.okta.first_byte_timeout + 1.0, config.okta.connect_timeout + config.okta.first_byte_timeout + 1.0),
    )
    revocations.subscribe(closer.in_flight.hear)
    return Parts(
        config=config,
        clock=clock,
        table=route_table(config),
        org=org,
        fingerprinter=fingerprints,
        sealer=sealer,
        asking_client=asking_client,
        names=names,
        revocations=revocations,
        state=state,
        sessions=sessions,
        closer=closer,
        open_connections=open_connections,
        oidc=oidc,
        batch=WriteBatch(asyncio.get_running_loop()),
        tickets=Tickets(sealer, state, clock, min(LONGEST_TEXT, config.listen.request_line - ADDRESS_BYTES)),
        folder=folder_of(settings),
        seal_keys=settings.seal_keys,
        portal_secrets=settings.portal_secrets,
        hook_secrets=settings.hook_secrets,
        tell=tell,
    )


def _asking_rules(config: Config) -> AskingRules:
    """How much Okta is asked. Guesses may use a share of its rate limit, and the workers of one machine divide that share."""
    rules = AskingRules()
    return replace(rules, guess_share=rules.guess_share / config.listen.workers)


def _cut(open_connections: OpenConnections, revocation: Revocation) -> None:
    """Close what is open under a revoked session. Connections that are spared for a moment are closed by ``SessionWatcher``."""
    if revocation.everybody:
        open_connections.close_all()
    elif not revocation.spared_for:
        open_connections.close(revocation.fingerprints)


def watch(parts: Parts, metrics: Metrics) -> None:
    """Register the parts' own counters with the metrics."""
    counts = parts.sessions.counts
    metrics.watch_total("okta_questions_total", "Questions asked of Okta.", lambda: counts.questions)
    metrics.watch_total("session_hits_total", "Sessions answered from memory.", lambda: counts.hits)
    metrics.watch_total("session_coalesced_total", "Requests that joined a question under way.", lambda: counts.coalesced)
    metrics.watch_total("session_unknown_total", "Times that Okta did not say.", lambda: counts.unknown)
    metrics.watch_total("state_forgotten_total", "Entries of the shared state that a bound pushed out.", lambda: parts.state.forgotten)
    metrics.watch_total(
        "revocations_forgotten_total",
        "Revocations that the bound of the memory pushed out; passes from before them go through one hand-off.",
        lambda: parts.revocations.forgotten,
    )
    metrics.watch_level("sessions_remembered", "Answers in memory.", lambda: len(parts.sessions))
    metrics.watch_level("closes_pending", "Sessions whose end at Okta is not proven yet.", lambda: parts.closer.backlog)
    metrics.watch_level("streams_open", "WebSockets and event streams open now.", lambda: len(parts.open_connections))
