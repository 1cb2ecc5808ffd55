"""Row W5 with real programs: curl and svn use a gateway with TLS; behind it is Apache with WebDAV and Subversion by plain http."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.field.real_apps.apache_dav import apache, lacks_apache
from tests.harness.certificates import certificate
from tests.harness.ports import free_port
from tests.harness.site import CONFIGURATION, deployed


async def ran(*words: str) -> str:
    """What a program says; it must succeed."""
    process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
    async with asyncio.timeout(60):
        said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode()


@asynccontextmanager
async def before_apache(folder: Path, *, by_http: str = "") -> AsyncIterator[str]:
    """The public address. ``by_http``: further keys of the app."""
    certificate(folder)
    port = free_port()
    public = f"https://localhost:{port}"
    name = "intranet.corp" if by_http else "localhost"
    async with apache(name) as address:
        app = f'[[app]]\nname = "dav"\nurl = "{public}"\nupstream = "{address}"\naccess = "anyone"\nallow_public_root = true\n{by_http}'
        text = CONFIGURATION.partition("[[app]]")[0].replace("127.0.0.1:0", f"127.0.0.1:{port}", 1) + app
        async with deployed(configuration=text, listen=f'tls_certificate = "{folder}/tls.crt"\ntls_key = "{folder}/tls.key"'):
            yield public


@pytest.fixture(autouse=True)
def needed() -> None:
    if lacks_apache():
        pytest.skip(lacks_apache())
    if shutil.which("curl") is None or shutil.which("svn") is None:
        pytest.skip("needs curl and svn")


@pytest.mark.parametrize("keys", ["", 'upstream_host = "intranet.corp"\n'])
async def test_w5_files_are_copied_moved_and_locked(tmp_path: Path, keys: str) -> None:
    async with before_apache(tmp_path, by_http=keys) as public:

        async def asked(method: str, path: str, *more: str) -> str:
            said = await ran("curl", "-sk", "-o", "/dev/null", "-D", "-", "-X", method, f"{public}/dav/{path}", *more)
            return said.split(" ")[1] if method != "LOCK" else said

        assert await asked("PUT", "a b".replace(" ", "%20"), "-d", "text") == "201"
        assert await asked("COPY", "a%20b", "-H", f"Destination: {public}/dav/c") == "201"
        assert await asked("MOVE", "c", "-H", f"Destination: {public}/dav/d") == "201"
        assert await asked("MOVE", "d", "-H", "Destination: https://evil.example/dav/e") == "502"
        body = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>'
        locked = await asked("LOCK", "d", "-d", body, "-H", "Timeout: Second-60")
        token = next(line.split(": ")[1].strip() for line in locked.splitlines() if line.lower().startswith("lock-token: "))
        assert await asked("MOVE", "a%20b", "-H", f"Destination: {public}/dav/d", "-H", "Overwrite: T") == "423"
        held = f"If: <{public}/dav/d> ({token})"
        assert await asked("MOVE", "a%20b", "-H", f"Destination: {public}/dav/d", "-H", "Overwrite: T", "-H", held) == "204"


async def test_w5_a_repository_is_used_as_svn_uses_it(tmp_path: Path) -> None:
    async with before_apache(tmp_path) as public:
        trusts = f"servers:global:ssl-authority-files={tmp_path}/tls.crt"
        svn = ("svn", "--non-interactive", "--trust-server-cert-failures=unknown-ca,cn-mismatch,other", "--config-option", trusts)
        url, work = f"{public}/svn", tmp_path / "work"
        await ran(*svn, "mkdir", f"{url}/trunk", f"{url}/tags", "-m", "begin")
        await ran(*svn, "checkout", f"{url}/trunk", str(work))
        (work / "file with blanks.txt").write_text("one\n")
        await ran(*svn, "add", str(work / "file with blanks.txt"))
        await ran(*svn, "commit", str(work), "-m", "add")
        await ran(*svn, "copy", f"{url}/trunk", f"{url}/tags/1", "-m", "copy")
        await ran(*svn, "move", f"{url}/tags/1", f"{url}/tags/one", "-m", "move")
        assert "file with blanks.txt" in await ran(*svn, "list", f"{url}/tags/one")
        (work / "file with blanks.txt").write_text("two\n" * 100_000)
        await ran(*svn, "commit", str(work), "-m", "more")
        assert (await ran(*svn, "cat", f"{url}/trunk/file with blanks.txt")).startswith("two\n")
