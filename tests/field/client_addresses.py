"""Requests that come from several addresses of this machine. Checks nothing by itself."""

import asyncio
import contextlib

from tests.harness.replies import RawReply
from tests.harness.site import Site

SAME_ORIGIN = b"Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Site: same-origin\r\n"


async def from_client(site: Site, client: str, request: bytes) -> RawReply:
    """One request from another address of this machine; the answer, empty where the connection ended before one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.gateway.public_port, local_addr=(client, 0))
    try:
        writer.write(request)
        return RawReply.of(await reader.read())
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
