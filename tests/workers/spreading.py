"""Users sign out at one worker while clients at every worker go on asking with the old session. Checks nothing by itself.

A request counts as late if it began after the answer to the sign-out had arrived, and was admitted. A revocation cuts off a running
request, and so its connection. That worker knew of the revocation, and the client continues on a new connection.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter

from tests.harness.browser import FORM, HR
from tests.harness.connected_client import Caller
from tests.harness.workers import RunningWorkers

CLIENTS = 16


@dataclass
class Spread:
    """What was seen. ``began_after``: requests that began after the answer; ``seconds``: for each sign-out, how long it took from the
    moment it was sent until every worker had refused. ``after_answer``: the same, counted from its answer; 0 where all refused before.
    """

    began_after: int = 0
    late: int = 0
    odd: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    after_answer: list[float] = field(default_factory=list)


@dataclass
class _SignOut:
    """One sign-out: when it was sent and answered, by ``perf_counter``; 0 before."""

    sent: float = 0.0
    answered: float = 0.0


async def rounds(running: RunningWorkers, logins: Sequence[str], asks_after: int, clients: int = CLIENTS) -> Spread:
    """Each user enters and signs out, one after the other; after the answer each client asks ``asks_after`` times more.

    ``clients``: so many that each worker has some; the kernel deals their connections out.
    """
    seen = Spread()
    for login in logins:
        running.lines[:] = [line for line in running.lines if line["event"] != "request"]
        callers = [await running.caller() for _ in range(clients)]
        browser, line = await running.entered(login)
        sign_out, asked = _SignOut(), asyncio.Event()
        asking = [asyncio.create_task(_asks(running, caller, line, sign_out, asks_after, seen, asked)) for caller in callers]
        await asked.wait()
        sign_out.sent = perf_counter()
        reply = await browser.post(f"{HR}/.gateway/sign-out", fields={**FORM, "Origin": HR})
        sign_out.answered = perf_counter()
        if reply.status != 303:
            seen.odd.append(reply.status)
        refused = max(await asyncio.gather(*asking))
        seen.seconds.append(refused - sign_out.sent)
        seen.after_answer.append(max(0.0, refused - sign_out.answered))
        for caller in running.callers:
            await caller.close()
        running.callers.clear()
    return seen


async def _asks(
    running: RunningWorkers, caller: Caller, line: str, sign_out: _SignOut, asks_after: int, seen: Spread, asked: asyncio.Event
) -> float:
    """Ask again and again; when this caller's worker first refused, or the last time that it did not."""
    refused = admitted = 0.0
    while asks_after:
        started_at = perf_counter()
        status, _ = await caller.ask("/", line)
        if status == 200:
            admitted = perf_counter()
            asked.set()
        elif status in (0, 401):
            refused = refused or perf_counter()
            caller = caller if status else await running.caller()
        else:
            seen.odd.append(status)
        if sign_out.answered and started_at >= sign_out.answered:
            asks_after -= 1
            seen.began_after += 1
            seen.late += status == 200
    return refused if admitted < refused else admitted
