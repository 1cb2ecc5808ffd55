"""A real browser before three replicas of two workers each: nginx deals its requests out in turn, without any affinity.

Whoever answers, the app says who is signed in now, and the org has no other session of this browser.
"""

import asyncio
import io
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from gateway.dev import demo
from gateway.dev.command import DemoAddresses, Demonstration, DemoOptions
from gateway.dev.standin import Engine, Org, OrgSession, fault, serve
from gateway.observe import Log
from tests.browser.visitor import ALICE, BOB, CAROL, ME, Visitor, follow, redemptions
from tests.deploy.running import running
from tests.harness.demonstration import Stage
from tests.harness.ports import free_port
from tests.harness.redis_servers import needs_redis
from tests.harness.system import USERS
from tests.journeys.three_replicas import Three, three_replicas

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    needs_redis,
    pytest.mark.skipif(shutil.which("nginx") is None, reason="no nginx; on Debian: apt-get install nginx"),
]
_NGINX = """
{user}daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr notice;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  upstream replicas {{ server 127.0.0.1:{ports[0]}; server 127.0.0.1:{ports[1]}; server 127.0.0.1:{ports[2]}; }}
  upstream portal {{ server 127.0.0.1:{portal}; }}
  map $http_host $behind {{ default replicas; "~^portal[.]" portal; }}
  map $http_upgrade $connection_upgrade {{ default upgrade; "" close; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://$behind;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_buffering off;
    }}
  }}
}}
"""


@dataclass(frozen=True)
class Replicated(Stage):
    """The replicas in the place of the one gateway of `session-gateway dev`."""

    three: Three

    @property
    def lines(self) -> list[dict[str, object]]:
        """What all of them wrote."""
        return [dict(line) for line in self.three.lines]

    def answered(self) -> list[tuple[int, object]]:
        """Replica and worker of every request so far."""
        return [(number, line["worker"]) for number, replica in enumerate(self.three.replicas) for line in replica.events("request")]


@pytest_asyncio.fixture(loop_scope="session", scope="module", params=["classic", "identity"])
async def replicated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Replicated]:
    """Org, apps, replicas and nginx: begun once for each engine."""
    folder: Path = tmp_path_factory.mktemp("replicated")
    engine: Engine = request.param
    org = Org(engine=engine, users=USERS)
    async with AsyncExitStack() as opened:
        served = await serve(org)
        opened.push_async_callback(served.aclose)
        where = DemoAddresses(served.url, free_port())
        org.trusted_origins |= {where.app, where.login}
        users = [(user.login, user.password) for user in USERS]
        portal = await demo.serve(demo.portal(org_url=where.org, login_url=where.login, app_url=where.app, users=users), "127.0.0.1", 0)
        opened.push_async_callback(portal.aclose)
        app = await demo.serve(demo.legacy_app(), "127.0.0.1", 0)
        opened.push_async_callback(app.aclose)
        upstream = f"http://127.0.0.1:{app.port}"
        three = await opened.enter_async_context(three_replicas(folder, served, where.login, where.app, upstream))
        user = "user root;\n" if os.geteuid() == 0 else ""
        text = _NGINX.format(user=user, folder=folder, ports=three.ports, portal=portal.port, port=where.port)
        (folder / "nginx.conf").write_text(text)
        command = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"]
        await opened.enter_async_context(running(command, b"start worker process ", {}))
        demonstration = Demonstration(DemoOptions(users=USERS), Log("debug", stream=io.StringIO()))
        demonstration.org, demonstration.where = org, where
        yield Replicated(demonstration, io.StringIO(), three)


@dataclass(frozen=True)
class Arrived:
    """One person with a fresh profile, and who had a session before."""

    stage: Replicated
    visitor: Visitor
    before: tuple[OrgSession, ...]

    def living(self) -> list[str]:
        """Who has a session since this person came."""
        return sorted(session.user.login for session in self.stage.org.sessions.active() if session not in self.before)


@pytest_asyncio.fixture(loop_scope="session")
async def arrived(replicated: Replicated, chromium: Browser) -> AsyncIterator[Arrived]:
    """Somebody comes; at the end the browser complained of nothing, and no replica wrote of an error."""
    profile = await chromium.new_context()
    profile.set_default_timeout(15_000)
    visitor = Visitor(replicated, profile, await profile.new_page())
    visitor.watch()
    try:
        yield Arrived(replicated, visitor, tuple(replicated.org.sessions.active()))
        assert visitor.complaints == []
        assert [line for line in replicated.lines if line.get("level") == "error"] == []
    finally:
        replicated.org.faults.clear()
        await profile.close()


async def test_whoever_comes_by_the_last_link_is_who_every_page_shows(arrived: Arrived) -> None:
    stage, visitor = arrived.stage, arrived.visitor
    for name, login in (("alice", ALICE), ("bob", BOB), ("alice", ALICE)):
        await visitor.enter(name)
        await visitor.is_shown(login)
        for _ in range(4):
            await visitor.page.goto(f"{stage.where.app}/")
            await visitor.is_shown(login)
        assert arrived.living() == [login]
        assert len(redemptions(stage, visitor.tokens[-1])) == 1
    answered = stage.answered()
    assert set(answered) == {(replica, worker) for replica in range(3) for worker in range(2)}
    counts = [len([one for one in answered if one[0] == replica]) for replica in range(3)]
    assert max(counts) - min(counts) <= max(counts) // 2, "nginx prefers nobody"


async def test_a_page_that_was_open_before_the_switch_asks_as_the_new_user_or_not_at_all(arrived: Arrived) -> None:
    stage, visitor = arrived.stage, arrived.visitor
    visitor.is_losing_sessions = True
    await visitor.enter("alice")
    await visitor.is_shown(ALICE)
    tab = await visitor.tab_at_the_portal()
    await follow(tab, visitor.link_for(BOB))
    await visitor.is_shown(BOB, tab)
    for _ in range(6):
        told = await visitor.page.evaluate("() => fetch('/api/me').then(answer => answer.ok ? answer.json() : {user: null})")
        assert told["user"] in (BOB, None)
    await visitor.page.goto(f"{stage.where.app}/")
    await visitor.is_shown(BOB)
    assert arrived.living() == [BOB]


async def test_two_tabs_with_two_tokens_at_once_end_in_one_session(arrived: Arrived) -> None:
    stage, visitor = arrived.stage, arrived.visitor
    visitor.is_losing_sessions = True
    await visitor.enter("alice")
    tabs = [await visitor.tab_at_the_portal() for _ in range(2)]
    tokens = [stage.org.session_token(login) for login in (BOB, CAROL)]
    hold = fault({"method": "DELETE", "path": ME, "hold": True, "after": True})
    assert hold.release is not None
    stage.org.faults.add(hold)
    stage.org.journal.clear()
    async with asyncio.timeout(20), asyncio.TaskGroup() as going:
        for tab, token in zip(tabs, tokens, strict=True):
            going.create_task(follow(tab, visitor.link_of(token)))
        await stage.org.journal.seen("DELETE", ME)
        hold.release.set()
    [left] = arrived.living()
    for tab in tabs:
        assert tab.url == f"{stage.where.app}/" or tab.url.startswith(f"{stage.where.login}/login/login.htm?")
        for _ in range(3):
            await tab.goto(f"{stage.where.app}/")
            await visitor.is_shown(left, tab)
    assert [len(redemptions(stage, token)) for token in tokens] == [1, 1]


async def test_the_same_link_in_two_tabs_at_once_is_redeemed_once(arrived: Arrived) -> None:
    stage, visitor = arrived.stage, arrived.visitor
    visitor.is_losing_sessions = True
    visitor.awaited_statuses |= {400, 409}
    await visitor.enter("alice")
    tabs = [await visitor.tab_at_the_portal() for _ in range(2)]
    token = stage.org.session_token(BOB)
    async with asyncio.timeout(20):
        await asyncio.gather(*(follow(tab, visitor.link_of(token)) for tab in tabs))
    await visitor.page.goto(f"{stage.where.app}/")
    await visitor.is_shown(BOB)
    assert (len(redemptions(stage, token)), arrived.living()) == (1, [BOB])


async def test_who_signs_in_by_the_form_and_signs_out_is_let_in_and_refused_by_all(arrived: Arrived) -> None:
    stage, visitor = arrived.stage, arrived.visitor
    await visitor.page.goto(f"{stage.where.app}/")
    await expect(visitor.page.locator("#username")).to_be_visible()
    await visitor.signs_in_by_password(ALICE)
    for _ in range(6):
        await visitor.page.goto(f"{stage.where.app}/")
        await visitor.is_shown(ALICE)
    kept = await visitor.profile.storage_state()
    names = await visitor.cookie_names()
    assert "sid" in names
    await visitor.signs_out_in_the_app()
    assert arrived.living() == []
    for _ in range(6):
        await visitor.profile.set_storage_state(kept)  # as if the browser had forgotten nothing
        assert names <= await visitor.cookie_names()
        await visitor.page.goto(f"{stage.where.app}/")
        await expect(visitor.page.locator("#username")).to_be_visible()
        await visitor.sees_nothing_protected()
