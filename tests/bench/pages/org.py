"""The stand-in org of this benchmark, as a process: so many users, and no limit of requests. Started with its port and that number."""

import asyncio
import sys

import uvloop

from gateway.dev.standin import Org, User, serve
from tests.bench.proxies.app_request import HOST


def login_of(number: int) -> str:
    """The name of one user."""
    return f"user{number}@example.com"


async def run(port: int, users: int) -> None:
    """Serve until the process ends."""
    org = Org(users=[User(login_of(number), "correct-horse") for number in range(users)], trusted_origins=[f"https://{HOST}"])
    org.limits.per_minute = 1_000_000
    await serve(org, port=port)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(run(int(sys.argv[1]), int(sys.argv[2])))
