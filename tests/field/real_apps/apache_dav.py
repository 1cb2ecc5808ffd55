"""Debian's Apache with a WebDAV folder at ``/dav/`` and a Subversion repository at ``/svn/``, as a process. Checks nothing by itself."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.deploy.running import PATIENCE_SECONDS
from tests.harness.ports import free_port

MODULES = Path("/usr/lib/apache2/modules")
LOADED = "mpm_event authz_core dav dav_fs dav_lock dav_svn"
_CONFIGURATION = """
ServerRoot {folder}
ServerName {name}
PidFile {folder}/pid
Mutex file:{folder}
ErrorLog {folder}/log
LogLevel notice
User www-data
Group www-data
Listen 127.0.0.1:{port}
{modules}
DocumentRoot {folder}/www
DavLockDB {folder}/locks/db
<Directory {folder}/www/dav>
  Dav On
</Directory>
<Location /svn>
  DAV svn
  SVNPath {folder}/repository
</Location>
"""


def lacks_apache() -> str:
    """What this machine lacks, or nothing."""
    if shutil.which("apache2") is None or shutil.which("svnadmin") is None:
        return "needs Debian's apache2 and subversion"
    return "" if (MODULES / "mod_dav_svn.so").is_file() else "needs Debian's libapache2-mod-svn"


@asynccontextmanager
async def apache(name: str) -> AsyncIterator[str]:
    """Its address; ``name``: of its only host."""
    with tempfile.TemporaryDirectory(prefix="apache-") as made:
        folder, port = Path(made), free_port()
        await _prepared(folder, name, port)
        process = await asyncio.create_subprocess_exec("apache2", "-f", str(folder / "apache.conf"), "-DFOREGROUND")
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not await _answers(port):  # what it says of its start goes to its log alone
                    assert process.returncode is None, (folder / "log").read_text()
            yield f"http://127.0.0.1:{port}"
        finally:
            if process.returncode is None:
                process.terminate()
            async with asyncio.timeout(PATIENCE_SECONDS):
                await process.wait()


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return False
    writer.close()
    return True


async def _prepared(folder: Path, name: str, port: int) -> None:
    for part in ("www/dav", "locks"):
        (folder / part).mkdir(parents=True)
    creating = await asyncio.create_subprocess_exec("svnadmin", "create", str(folder / "repository"))
    assert await creating.wait() == 0
    # mod_dav needs its own module before the others that use it, and mod_dav_svn stands last.
    modules = "\n".join(f"LoadModule {part}_module {MODULES}/mod_{part}.so" for part in LOADED.split())
    (folder / "apache.conf").write_text(_CONFIGURATION.format(folder=folder, name=name, port=port, modules=modules))
    if os.getuid() == 0:  # Apache gives up root, and then owns nothing
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, "www-data", "www-data")
