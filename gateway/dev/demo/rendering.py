"""Renders the demonstration's pages from templates, serves them and their files, and sets the header fields that all pages have.

Owns: rendering. Must never serve a file that its caller did not name, load anything from another site, or log
a request, because addresses hold session tokens.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

SHUTDOWN_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Running:
    """An application that listens on `host` and `port` until `aclose`."""

    host: str
    port: int
    runner: web.AppRunner

    async def aclose(self) -> None:
        """Stop listening, end open streams, and free the port."""
        await self.runner.cleanup()


async def serve(app: web.Application, host: str, port: int) -> Running:
    """Start the application and return it. Port 0 is any free port. OSError if the address is taken."""
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except BaseException:
        await runner.cleanup()
        raise
    return Running(host=host, port=runner.addresses[0][1], runner=runner)


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_TEMPLATES = Environment(
    loader=PackageLoader("gateway.dev.demo"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_OWN_ONLY = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'"


def page(template: str, facts: dict[str, object], *, status: int = 200, form_targets: Sequence[str] = ("'self'",)) -> web.Response:
    """Return the page of a template. `form_targets`: the origins that its forms may lead to, redirects included."""
    policy = f"{_OWN_ONLY}; form-action {' '.join(form_targets)}; frame-ancestors 'none'"
    return web.Response(
        text=_TEMPLATES.get_template(template).render(facts),
        status=status,
        content_type="text/html",
        charset="utf-8",
        headers={"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff"},
    )


def file_routes(*names: str) -> list[web.RouteDef]:
    """Return a GET route at /{name} for each of these files."""
    return [web.get(f"/{name}", _serving(name)) for name in names]


def _serving(name: str) -> Handler:
    body = files("gateway.dev.demo").joinpath("static", name).read_bytes()
    content_type = _TYPES[name.rpartition(".")[2]]

    async def serve_file(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type=content_type, charset="utf-8", headers={"Cache-Control": "no-cache"})

    return serve_file
