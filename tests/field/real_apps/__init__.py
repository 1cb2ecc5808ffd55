"""Apps that people run, each with its framework's own sessions: Tomcat, PHP and Django, as processes. Checks nothing by itself.

Each answers every path with whom it was told (``#who``) and for whom its session began (``#owner``), and ends the session at /app/logout.
"""

import asyncio
import importlib.util
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.deploy.running import running
from tests.field.real_apps.tomcat import lacks_tomcat, tomcat
from tests.harness.ports import free_port

FOLDER = Path(__file__).parent
_WEB = """<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="5.0">
<servlet><servlet-name>owner</servlet-name><servlet-class>Owner</servlet-class></servlet>
<servlet-mapping><servlet-name>owner</servlet-name><url-pattern>/</url-pattern></servlet-mapping>
<session-config><cookie-config>{domain}<path>{path}</path></cookie-config><tracking-mode>COOKIE</tracking-mode></session-config>
</web-app>"""


@dataclass(frozen=True, slots=True)
class Cookies:
    """Where the app's session cookie belongs; an empty domain is the host alone."""

    path: str = "/"
    domain: str = ""


@dataclass(frozen=True, slots=True)
class RealApp:
    """``cookie``: the name of its session's; ``missing``: what this machine lacks, or nothing; ``ready``: what it says when it listens."""

    name: str
    cookie: str
    ready: bytes
    missing: Callable[[], str]
    command: Callable[[Path, int, Cookies], Sequence[str]]

    @asynccontextmanager
    async def running(self, folder: Path, cookies: Cookies = Cookies()) -> AsyncIterator[str]:
        """Its address; ``folder`` is empty and its own."""
        port = free_port()
        (folder / "sessions").mkdir()
        environ = {"SESSIONS": str(folder / "sessions"), "COOKIE_PATH": cookies.path, "COOKIE_DOMAIN": cookies.domain}
        command = await asyncio.to_thread(self.command, folder, port, cookies)
        async with running(command, self.ready, environ):
            yield f"http://127.0.0.1:{port}"


def _tomcat(folder: Path, port: int, cookies: Cookies) -> Sequence[str]:
    domain = f"<domain>{cookies.domain}</domain>" if cookies.domain else ""
    return tomcat(folder, port, ("Owner",), _WEB.format(domain=domain, path=cookies.path))


APPS = (
    RealApp("tomcat", "JSESSIONID", b"Server startup in", lacks_tomcat, _tomcat),
    RealApp(
        "php",
        "PHPSESSID",
        b"started",
        lambda: "" if shutil.which("php") is not None else "needs Debian's php-cli",
        lambda folder, port, cookies: ("php", "-S", f"127.0.0.1:{port}", str(FOLDER / "owner.php")),
    ),
    RealApp(
        "django",
        "sessionid",
        b"ready",
        lambda: "" if importlib.util.find_spec("django") is not None else "needs Django",
        lambda folder, port, cookies: (sys.executable, str(FOLDER / "django_site.py"), str(port)),
    ),
)
