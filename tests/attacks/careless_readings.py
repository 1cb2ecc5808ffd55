"""How a careless app might read a path. Checks nothing by itself."""

import posixpath
import re
from urllib.parse import unquote_to_bytes

PIECES = (
    *("/", "/", "/public", "/public", "/admin", "public", "admin", "..", ".", ";", ";x=1", "\\", "//", "x"),
    *("%2e", "%2F", "%5c", "%3b", "%3f", "%23", "%20", "%252e"),
)


def careless_readings(path: str) -> set[str]:
    """What servers are known to make of a path: decoded once, parameters off, backslashes turned, dots resolved, in any order."""
    decoded = unquote_to_bytes(path).decode("latin-1")
    seen = {path, decoded, decoded.partition("\0")[0], re.split("[?#]", decoded)[0]}
    seen |= {re.sub(";[^/]*", "", one) for one in set(seen)}
    seen |= {one.replace("\\", "/") for one in set(seen)}
    seen |= {posixpath.normpath(one) for one in set(seen) if one}
    return {re.sub("/+", "/", one) for one in seen if one} | {posixpath.normpath(re.sub("/+", "/", one)) for one in seen if one}
