"""A small legacy application. It shows the salary slip of the user in `Remote-User`, and keeps a session of its own.

Owns: what such an application does with `Remote-User`, and a page that shows every header field of the request, so that a developer sees
what the gateway forwards. It believes `Remote-User` without a check, as legacy applications do. Must never write a cookie's value into
a page.

Its sessions are a JSESSIONID cookie and a dictionary, as in many old applications. There are never more than `SESSION_LIMIT`; the oldest is
dropped. The cookie is trusted without a check, on purpose: the demonstration shows that the gateway keeps bob out of alice's session.
"""

import secrets
from dataclasses import dataclass
from hashlib import sha256
from posixpath import dirname
from typing import Final

from aiohttp import BodyPartReader, web
from cachetools import FIFOCache

from gateway.dev.demo.payroll_live import Live
from gateway.dev.demo.payroll_slips import MONTHS, is_month, money, month_name, slip
from gateway.dev.demo.rendering import file_routes, page

COOKIE_NAME = "JSESSIONID"


@dataclass(slots=True)
class OwnSession:
    """One session: the user in `Remote-User` when it began, and how many requests it had."""

    user: str | None
    visits: int = 0


class OwnSessions:
    """All sessions, oldest first."""

    def __init__(self, limit: int) -> None:
        self._sessions: FIFOCache[str, OwnSession] = FIFOCache(limit)

    def __len__(self) -> int:
        return len(self._sessions)

    def visit(self, cookie_value: str | None, user: str | None) -> tuple[str, OwnSession]:
        """Return the session of this cookie value, or a new one of `user`, and count the request."""
        session = self._sessions.get(cookie_value) if cookie_value else None
        if cookie_value is None or session is None:
            cookie_value, session = secrets.token_hex(16).upper(), OwnSession(user=user)
            self._sessions[cookie_value] = session
        session.visits += 1
        return cookie_value, session


SESSION_LIMIT: Final = 1000
SHOWN_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True)
class Visit:
    """One request: the app's own session, its cookie value, and the user in `Remote-User`."""

    cookie: str
    session: OwnSession
    user: str | None
    user_id: str | None


class Payroll:
    """The pages and the API of the application."""

    def __init__(self, sessions: OwnSessions, sign_out_path: str) -> None:
        self._sessions = sessions
        self._sign_out_path = sign_out_path

    def _visit(self, request: web.Request) -> Visit:
        user = _named(request, "Remote-User")
        cookie, session = self._sessions.visit(request.cookies.get(COOKIE_NAME), user)
        return Visit(cookie, session, user, _named(request, "Remote-User-Id"))

    async def front(self, request: web.Request) -> web.Response:
        """Show a summary of the newest slip."""
        return self._page(request, MONTHS[0], all_lines=False)

    async def month(self, request: web.Request) -> web.Response:
        """Show the slip of one month, with every line for `?lines=all`. 404 if the path names no month."""
        month = request.match_info["month"]
        if not is_month(month):
            raise web.HTTPNotFound(text="There is no slip of that month.")
        return self._page(request, month, all_lines=request.query.get("lines") == "all")

    async def me(self, request: web.Request) -> web.Response:
        """Answer with JSON: the user in `Remote-User`, the owner of the app's session, every field as received (cookies by name only)."""
        visit = self._visit(request)
        shown = {
            "user": visit.user,
            "user_id": visit.user_id,
            "session_owner": visit.session.user,
            "visits": visit.session.visits,
            "method": request.method,
            "target": request.raw_path,
            "fields": [list(pair) for pair in fields_shown(request)],
        }
        return _with_cookie(web.json_response(shown), visit)

    async def upload(self, request: web.Request) -> web.Response:
        """Answer with JSON: size and SHA-256 of the body, or of the first part of a form. The body is read in pieces and not kept."""
        size, digest = 0, sha256()
        part: BodyPartReader | None = None
        if request.content_type == "multipart/form-data":
            first = await (await request.multipart()).next()
            if not isinstance(first, BodyPartReader):
                raise web.HTTPBadRequest(text="The form holds no file.")
            part = first
        while chunk := await (part.read_chunk(65536) if part else request.content.readany()):
            size += len(chunk)
            digest.update(chunk)
        return web.json_response({"size": size, "sha256": digest.hexdigest(), "user": _named(request, "Remote-User")})

    def _page(self, request: web.Request, month: str, *, all_lines: bool) -> web.Response:
        visit = self._visit(request)
        facts: dict[str, object] = {
            "visit": visit,
            "slip": slip(visit.user, month) if visit.user is not None else None,
            "all_lines": all_lines,
            "month": month,
            "months": MONTHS,
            "month_name": month_name,
            "money": money,
            "fields": [(name, shortened(value)) for name, value in fields_shown(request)],
            "request_line": f"{request.method} {request.raw_path}",
            "sign_out_path": self._sign_out_path,
            "session_path": dirname(self._sign_out_path).rstrip("/") + "/",
        }
        return _with_cookie(page("payroll.html", facts), visit)


def _named(request: web.Request, name: str) -> str | None:
    # all values, to show it if a proxy passes a second one
    values = request.headers.getall(name, [])
    return ", ".join(values) if values else None


def fields_shown(request: web.Request) -> list[tuple[str, str]]:
    """Return every field of the request, in order, as received. Cookies are shown by name only, credentials by scheme only."""
    shown = []
    for raw_name, raw_value in request.raw_headers:
        name, value = raw_name.decode("utf-8", "replace"), raw_value.decode("utf-8", "replace")
        if name.lower() == "cookie":
            value = "; ".join(f"{pair.partition('=')[0].strip()}=…" for pair in value.split(";"))
        elif name.lower() in {"authorization", "proxy-authorization"}:
            value = f"{value.partition(' ')[0]} …"
        shown.append((name, value))
    return shown


def shortened(value: str) -> str:
    """Return the value; of a long one, its beginning and its length."""
    return value if len(value) <= SHOWN_CHARACTERS else f"{value[: SHOWN_CHARACTERS // 2]}… ({len(value)} characters)"


def _with_cookie(answer: web.Response, visit: Visit) -> web.Response:
    if visit.session.visits == 1:
        answer.set_cookie(COOKIE_NAME, visit.cookie, path="/", httponly=True, samesite="Lax")
    return answer


def legacy_app(*, sign_out_path: str = "/.gateway/sign-out", tick_seconds: float = 1.0) -> web.Application:
    """Return the application, for one running loop. Its WebSocket and its event stream tick once per `tick_seconds`."""
    room, live = Payroll(OwnSessions(SESSION_LIMIT), sign_out_path), Live(tick_seconds)
    app = web.Application()
    app.on_shutdown.append(live.stop)
    app.add_routes(
        [
            web.get("/", room.front),
            web.get("/slips/{month}", room.month),
            web.get("/api/me", room.me),
            web.route("*", "/upload", room.upload),
            web.get("/ws", live.socket, allow_head=False),
            web.get("/events", live.events, allow_head=False),
            *file_routes("payroll.css", "payroll.js", "payroll.svg"),
        ]
    )
    return app
