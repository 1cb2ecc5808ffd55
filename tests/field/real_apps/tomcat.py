"""Debian's Tomcat with one app in it, made of servlets and a web.xml. Checks nothing by itself."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

_SOURCES = Path(__file__).parent
_TOMCAT = Path("/usr/share/tomcat10")
_SERVER = """<Server port="-1"><Service name="Catalina"><Connector address="127.0.0.1" port="{port}" {connector}</Connector>
<Engine name="Catalina" defaultHost="localhost">{realm}<Host name="localhost" appBase="webapps"/></Engine></Service></Server>"""
_REALM = '<Realm className="org.apache.catalina.realm.MemoryRealm" pathname="{users}"/>'


def lacks_tomcat() -> str:
    """What this machine lacks, or nothing."""
    if not (_TOMCAT / "bin" / "bootstrap.jar").is_file():
        return "needs Debian's tomcat10-common"
    return "" if shutil.which("javac") is not None else "needs a JDK"


def tomcat(folder: Path, port: int, servlets: Sequence[str], web: str, connector: str = ">", users: str = "") -> Sequence[str]:
    """The command that starts it in the empty ``folder``; it says "Server startup in" when it listens.

    ``servlets``: names of Java files of this folder; ``web``: the text of web.xml; ``connector``: what its element goes on with; ``users``:
    the text of a tomcat-users.xml.
    """
    classes = folder / "webapps" / "ROOT" / "WEB-INF" / "classes"
    classes.mkdir(parents=True)
    (folder / "conf").mkdir()
    (classes.parent / "web.xml").write_text(web)
    (folder / "conf" / "users.xml").write_text(users)
    realm = _REALM.format(users=folder / "conf" / "users.xml") if users else ""
    (folder / "conf" / "server.xml").write_text(_SERVER.format(port=port, connector=connector, realm=realm))
    sources = [str(_SOURCES / f"{name}.java") for name in servlets]
    subprocess.run(
        ("javac", "-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC", "-cp", str(_TOMCAT / "lib" / "*"), "-d", str(classes), *sources),
        check=True,
        timeout=60,
    )
    path = f"{_TOMCAT}/bin/bootstrap.jar:{_TOMCAT}/bin/tomcat-juli.jar"
    bases = f"-Dcatalina.home={_TOMCAT}", f"-Dcatalina.base={folder}"
    quickly = "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"
    return "java", *quickly, "-cp", path, *bases, "org.apache.catalina.startup.Bootstrap", "start"
