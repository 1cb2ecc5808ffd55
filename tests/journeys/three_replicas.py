"""Three replicas as processes, with two workers each, on one real Redis. Any of them may get the next request of any client.

Owns their configuration, how they start and die, and which of them gets the next request. Checks nothing by itself.
"""

import asyncio
import itertools
import os
import signal
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from gateway.dev.standin import RunningOrg
from tests.harness.hello_app import HelloApp
from tests.harness.redis_servers import RedisProcess
from tests.harness.workers import RunningWorkers, started

WORKERS = 2
# Nobody asks Okta again within a test: what a replica knows of an end, it knows from the others.
PATIENCE_SECONDS = 10
"""How long a replica waits for Redis. On a busy machine a browser, nginx, Redis and six workers may take the processors for a second."""
CONFIGURATION = """
[listen]
address = "127.0.0.1:0"
workers = 2
drain = "2s"
[admin]
address = "127.0.0.1:0"
[okta]
org = "{org}"
host = "{host}"
[state]
url = "redis://127.0.0.1:{redis}/0"
[login]
url = "{login}"
[session]
ttl = "30m"
ttl_max = "30m"
[[app]]
name = "hr"
url = "{app}"
upstream = "{upstream}"
"""


@dataclass
class Three:
    """The replicas while they run. ``at``: only these get the next requests; otherwise it is everybody's turn, one after the other."""

    redis: RedisProcess
    replicas: Sequence[RunningWorkers]
    turns: Iterator[int] = field(default_factory=lambda: itertools.count())
    chosen: Sequence[int] = ()

    def at(self, *numbers: int) -> None:
        self.chosen = numbers

    def port(self) -> int:
        """Who gets the next request."""
        living = self.chosen or [number for number, replica in enumerate(self.replicas) if replica.process.returncode is None]
        return self.replicas[living[next(self.turns) % len(living)]].port

    @property
    def ports(self) -> list[int]:
        return [replica.port for replica in self.replicas]

    @property
    def lines(self) -> list[Mapping[str, object]]:
        """The logs of all."""
        return [line for replica in self.replicas for line in replica.lines]

    async def die(self, number: int) -> None:
        """Kill all processes of this replica at once: none of them says goodbye."""
        replica = self.replicas[number]
        children = Path(f"/proc/{replica.process.pid}/task/{replica.process.pid}/children").read_text().split()
        for pid in (replica.process.pid, *map(int, children)):
            os.kill(pid, signal.SIGKILL)
        await replica.process.wait()


@asynccontextmanager
async def three_replicas(folder: Path, org: RunningOrg, login: str, app: str, upstream: str) -> AsyncIterator[Three]:
    """All of them listening; ``login`` and ``app`` are origins as browsers know them."""
    redis = RedisProcess(folder / "redis", 'save ""', "appendonly yes", "appendfsync always")
    text = CONFIGURATION.format(org=org.url, host=urlsplit(login).netloc, redis=redis.port, login=login, app=app, upstream=upstream)
    text = text.replace("[login]", f'timeout = "{PATIENCE_SECONDS}s"\n[login]')
    async with AsyncExitStack() as opened:
        opened.callback(redis.kill)

        async def replica(number: int) -> RunningWorkers:
            place = folder / f"replica-{number}"
            (place / "scratch").mkdir(parents=True)
            (place / "gateway.toml").write_text(text)
            return await opened.enter_async_context(started(place, org.org, HelloApp(), workers=WORKERS))

        yield Three(redis, await asyncio.gather(*map(replica, range(3))))
