"""One process: what it remembers of sessions, and its watch over the event hook."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.doors.hooks.hook_watch import DELIVERIES, STARTED_SECONDS, HookWatch, started
from gateway.policy.session.cache import Lifetimes
from gateway.policy.session.session import Session
from gateway.revocations import Report
from gateway.shared_state import MemoryState
from tests.sessions.scripted import Memory

LONG = Lifetimes(ttl=900.0, ttl_max=900.0)


@dataclass
class Process:
    """One process: its sessions and its watch."""

    m: Memory
    watch: HookWatch
    state: MemoryState
    told: list[str] = field(default_factory=list)


def process(state: MemoryState, m: Memory) -> Process:
    told: list[str] = []
    watch = HookWatch(state, m.sessions, m.times.clock, lambda event, figures: told.append(event))

    def named(found: Session, is_new: bool) -> None:
        if is_new:
            watch.begun(found)

    m.sessions.on_named = named
    return Process(m, watch, state, told)


async def delivers(one: Process, begins: Mapping[str, float]) -> None:
    """Okta delivers these sign-ins."""
    report = Report(
        DELIVERIES, f"{begins} {one.m.times.passed}".encode(), 1.0, marks=tuple(map(started, begins)), mark_seconds=STARTED_SECONDS
    )
    assert await one.state.report(report)
    await one.watch.heard(begins)
