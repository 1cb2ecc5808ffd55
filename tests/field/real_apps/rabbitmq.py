"""Debian's RabbitMQ with its management: a node of its own, with folders and an epmd of its own, on loopback. Checks nothing by itself."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.deploy.running import running
from tests.harness.ports import free_port

_SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
_CONFIGURATION = """
listeners.tcp = none
management.tcp.ip = 127.0.0.1
management.tcp.port = {port}
log.console = true
log.file = false
"""


def lacks_rabbitmq() -> str:
    """What this machine lacks, or nothing."""
    return "" if _SERVER.is_file() and shutil.which("epmd") is not None else "needs Debian's rabbitmq-server"


@asynccontextmanager
async def rabbitmq(folder: Path) -> AsyncIterator[str]:
    """The management's address; ``folder`` is empty and its own. Its user is guest, with the password guest."""
    management, distribution, names = (free_port() for _ in range(3))
    (folder / "rabbitmq.conf").write_text(_CONFIGURATION.format(port=management))
    (folder / "plugins").write_text("[rabbitmq_management].")
    environ = {
        "HOME": str(folder),
        "RUNNING_UNDER_SYSTEMD": "true",  # the node itself is our process, not a script that waits for it
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(names),
        "RABBITMQ_NODENAME": f"test-{management}@localhost",
        "RABBITMQ_DIST_PORT": str(distribution),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1",
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "generated"),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
    }
    # A node that finds no epmd starts one, which outlives it.
    async with (
        running(("epmd", "-d"), b"epmd running", environ),
        running((str(_SERVER),), b"Server startup complete", environ) as (node, _),
    ):
        try:
            yield f"http://127.0.0.1:{management}"
        finally:
            node.kill()  # asked to stop, it takes six seconds to store what is not needed any more
