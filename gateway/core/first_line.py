"""The first line of a request apart from the rest, for those whose other lines came before.

Owns which first lines need no parser: exactly those that ``read_head`` takes of GET and HEAD in HTTP/1.1, so that whatever is odd is
left to it. Must never accept more. Rules from: RFC 9112 §3, ATTACKS P6, P21, S8, S10.
"""

import re
from typing import Final

_LINE: Final = re.compile(rb"(GET|HEAD) (/[\x21\x22\x24-\x3e\x40-\x5b\x5d-\x7e]*(?:\?[\x21\x22\x24-\x7e]*)?) HTTP/1\.1(?=\r\n)")


def parted(received: bytes) -> tuple[str, str, bytes] | None:
    """Method, target, and everything behind them, from the first line's end on; None for any other beginning."""
    line = _LINE.match(received)
    if line is None:
        return None
    return line[1].decode("ascii"), line[2].decode("ascii"), received[line.end() :]
