"""Apps with a sign-in of their own, a form with a file, redirects to their whole address, a session, and a cookie named ``sid``.

They lie at /desk/ of Tomcat, PHP, Express and Django behind gunicorn. The last page of Tomcat's and Express's has a live connection: a
WebSocket and socket.io. Checks nothing by itself.
"""

import importlib.util
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.field.real_apps import FOLDER, Cookies, RealApp
from tests.field.real_apps.tomcat import lacks_tomcat, tomcat

NODE_MODULES = FOLDER.parents[1] / "browser" / "npm" / "node_modules"
_WEB = """<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="5.0">
<servlet><servlet-name>default</servlet-name><servlet-class>org.apache.catalina.servlets.DefaultServlet</servlet-class></servlet>
<servlet-mapping><servlet-name>default</servlet-name><url-pattern>/</url-pattern></servlet-mapping>
<mime-mapping><extension>html</extension><mime-type>text/html</mime-type></mime-mapping>
<welcome-file-list><welcome-file>text.html</welcome-file></welcome-file-list>
<security-constraint><web-resource-collection><web-resource-name>desk</web-resource-name><url-pattern>/desk/*</url-pattern>
</web-resource-collection><auth-constraint><role-name>clerk</role-name></auth-constraint></security-constraint>
<login-config><auth-method>FORM</auth-method><form-login-config><form-login-page>/enter.html</form-login-page>
<form-error-page>/enter.html</form-error-page></form-login-config></login-config><security-role><role-name>clerk</role-name></security-role>
<request-character-encoding>UTF-8</request-character-encoding></web-app>"""
_ENTER = """<link rel=icon href=data:,><form method=post action=j_security_check><input id=name name=j_username>
<input id=password name=j_password type=password><button>Enter</button></form>"""
_USERS = """<tomcat-users><user username="Amy" password="desk" roles="clerk"/>
<user username="Ben" password="desk" roles="clerk"/></tomcat-users>"""
_CONNECTOR = """compression="on"><UpgradeProtocol className="org.apache.coyote.http2.Http2Protocol"/>"""
TEXT = "<link rel=icon href=data:,>" + "<p>text</p>\n" * 2000


def _tomcat(folder: Path, port: int, cookies: Cookies) -> Sequence[str]:
    command = tomcat(folder, port, ("Desk", "Echo"), _WEB, _CONNECTOR, _USERS)
    root = folder / "webapps" / "ROOT"
    (root / "enter.html").write_text(_ENTER)
    (root / "text.html").write_text(TEXT)
    return command


def _lacks_express() -> str:
    has_all = shutil.which("node") is not None and (NODE_MODULES / "socket.io").is_dir() and (NODE_MODULES / "multer").is_dir()
    return "" if has_all else "needs node, and `npm ci` in tests/browser/npm"


def _lacks_django() -> str:
    lacking = [name for name in ("django", "gunicorn") if importlib.util.find_spec(name) is None]
    return f"needs {' and '.join(lacking)}" if lacking else ""


TOMCAT = RealApp("tomcat", "JSESSIONID", b"Server startup in", lacks_tomcat, _tomcat)
PHP = RealApp(
    "php",
    "PHPSESSID",
    b"started",
    lambda: "" if shutil.which("php") is not None else "needs Debian's php-cli",
    lambda folder, port, cookies: ("php", "-S", f"127.0.0.1:{port}", str(FOLDER / "desk.php")),
)
EXPRESS = RealApp(
    "express",
    "sid",
    b"ready",
    _lacks_express,
    lambda folder, port, cookies: ("env", f"NODE_PATH={NODE_MODULES}", "node", str(FOLDER / "express_desk.cjs"), str(port)),
)
DJANGO = RealApp(
    "django",
    "sessionid",
    b"Booting worker",
    _lacks_django,
    lambda folder, port, cookies: (
        *(sys.executable, "-m", "gunicorn", "-b", f"127.0.0.1:{port}", "--pythonpath", str(FOLDER), "django_desk:application"),
    ),
)
