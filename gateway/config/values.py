"""The types of values in a configuration file: durations, sizes, URLs, host names, networks.

Owns how each is written, and the error text for a wrong one. Must never guess a unit, resolve a name, or repair a value: it is used as it
is, or refused with a remedy. Rules from: WHATWG "potentially trustworthy" (plain http only on this machine, because `__Host-` cookies
need a secure context).
"""

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, PlainValidator, WithJsonSchema
from yarl import URL

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-zµ]*)")
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*|\[[0-9a-f:.]+\]")
_REDIS = re.compile(r"rediss?://(?P<host>[^/:@\[\]]+|\[[^\]/@]+\])(?::(?P<port>\d{1,5}))?(?:/\d{0,5})?")
_LONGEST_SOCKET_PATH = 107  # what fits into a sockaddr_un with its final zero
_LARGEST_PORT = 65535
_AT_PORT = re.compile(r":0*(\d+)/?")
_LISTEN = re.compile(r"(?P<host>[A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\]):(?P<port>\d{1,5})")


def _quantity(value: object, units: dict[str, float] | dict[str, int], example: str) -> float:
    names = ", ".join(units)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise ValueError(f'{value} has no unit; write it as text with one of {names}, for example "{example}"')
    found = _QUANTITY.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f'a number with one of the units {names} is needed, for example "{example}"')
    if not found[2]:
        raise ValueError(f'"{value}" has no unit; add one of {names}, for example "{example}"')
    if found[2] not in units:
        raise ValueError(f'"{found[2]}" is no unit here; use one of {names}, for example "{example}"')
    return float(found[1]) * units[found[2]]


def seconds(value: object) -> float:
    """The duration in seconds, from text such as `"10s"`, `"500ms"`, `"2m"`, `"1h"` or `"1d"`.

    ValueError with the remedy for anything else.
    """
    return _quantity(value, _SECONDS, "10s")


def byte_count(value: object) -> int:
    """The size in bytes, from text such as `"64KiB"`, `"512B"` or `"1MiB"`. ValueError with the remedy for anything else."""
    return int(_quantity(value, _BYTES, "64KiB"))


def is_this_machine(host: str) -> bool:
    """Whether a host name always means this machine: a loopback address, `localhost`, or a name below `localhost`."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _refuse_large_port(text: str) -> None:
    """ValueError if the address ends with a port above 65535. Nothing else is checked here."""
    found = _AT_PORT.fullmatch(text[max(text.rfind(":"), 0) :])
    if found is not None and (len(found[1]) > 5 or int(found[1]) > _LARGEST_PORT):
        raise ValueError(f'the port in "{text}" is too large; ports end at {_LARGEST_PORT}')


def _parts(text: str) -> URL:
    _refuse_large_port(text)
    try:
        url = URL(text, encoded=True)
        port_is_readable = url.port != 0
    except ValueError:
        raise ValueError(f'"{text}" is no address of a site; write it like "https://host.example.com"') from None
    if url.scheme not in ("http", "https") or not url.host or not port_is_readable:
        raise ValueError(f'"{text}" is no address of a site; write it like "https://host.example.com"')
    if "@" in text:
        raise ValueError("an address here holds no user name and no password; leave out everything up to the @")
    if url.raw_path not in ("", "/") or "?" in text or "#" in text:
        raise ValueError(f'only scheme, host and port belong here: "{url.origin()}"')
    if not _HOST.fullmatch((url.raw_host or "").lower() if ":" not in (url.host or "") else f"[{url.host}]"):
        raise ValueError(f'"{url.host}" is no host name; letters, digits, hyphens and dots make one')
    return url


def _spelled(url: URL) -> str:
    host = f"[{url.host}]" if url.host and ":" in url.host else (url.host or "").lower()
    return f"{url.scheme}://{host}" if url.is_default_port() else f"{url.scheme}://{host}:{url.port}"


def public_origin(text: str) -> str:
    """The origin `scheme://host[:port]` of a site that browsers or Okta use; https, or http on this machine."""
    url = _parts(text)
    if url.scheme == "http" and not is_this_machine(url.host or ""):
        raise ValueError(f'plain http is only for this machine (localhost); write "https://{(url.host or "").lower()}"')
    return _spelled(url)


def public_origin_or_none(text: str) -> str:
    """Like ``public_origin``; empty text means none."""
    return public_origin(text) if text else text


def upstream_origin(text: str) -> str:
    """The origin of an app behind the gateway: http or https, on any host, because this connection is internal."""
    return _spelled(_parts(text))


def server_address(text: str) -> str:
    """The address of an app's server: an origin as in ``upstream_origin``, or ``unix:`` and the absolute path of a socket."""
    scheme, colon, path = text.partition(":")
    if scheme != "unix" or not colon:
        return upstream_origin(text)
    if not path.startswith("/") or path.endswith("/") or "\0" in path or path.startswith("//"):
        raise ValueError(f'"{text}" is no socket; write "unix:" and its absolute path, like "unix:/run/hr/app.sock"')
    if len(path.encode()) > _LONGEST_SOCKET_PATH:
        raise ValueError(f"the path of a socket has {_LONGEST_SOCKET_PATH} bytes at most; use a shorter one, such as a symbolic link")
    return text


def redis_url(text: str) -> str:
    """The address of Redis, ``redis://host[:port][/database]``, or ``rediss://`` for TLS; empty stays empty."""
    if not text:
        return text
    example = 'write it like "rediss://redis.example.com:6379"'
    if "@" in text:
        raise ValueError("holds a user name or a password; put them into the files state.user_file and state.password_file")
    _refuse_large_port(text.rpartition("/")[0] if text.count("/") > 2 else text)
    found = _REDIS.fullmatch(text)
    if found is None or not _HOST.fullmatch(found["host"].lower()) or not int(found["port"] or 6379):
        raise ValueError(f'"{text}" is no address of Redis; {example}')
    return text


def server_port(text: str) -> str:
    """A server as ``host:port``."""
    _refuse_large_port(text)
    host, _, port = text.rpartition(":")
    if not _HOST.fullmatch(host.lower()) or not port.isdecimal() or not int(port):
        raise ValueError(f'"{text}" is no server; write its name and port, like "sentinel-0.example.com:26379"')
    return text


def host_and_port(text: str) -> str:
    """The value of a Host field, `name[:port]`, in lower case; empty stays empty."""
    if not text:
        return text
    _refuse_large_port(text)
    name, _, port = text.partition(":")
    if not _HOST.fullmatch(name.lower()) or (port and not (port.isdecimal() and int(port))) or text.endswith(":"):
        raise ValueError(f'"{text}" is no host name; write it like "login.example.com" or "login.example.com:8443", without https://')
    return text.lower()


def listen_address(text: str) -> str:
    """An address to listen on, `host:port`. Port 0 means any free port; an empty host means every interface."""
    _refuse_large_port(text)
    found = _LISTEN.fullmatch(text)
    if found is None:
        raise ValueError(f'"{text}" is nothing to listen at; write it like "127.0.0.1:8080" or ":8080"')
    return text


def listen_address_or_none(text: str) -> str:
    """Like ``listen_address``; empty text means none."""
    return listen_address(text) if text else text


def host_of(address: str) -> str | None:
    """The host part of a listen address, without brackets; None for every interface."""
    return address.rpartition(":")[0].strip("[]") or None


def port_of(address: str) -> int:
    """The port of a listen address."""
    return int(address.rpartition(":")[2])


def network(text: object) -> Network:
    """An address range such as `10.0.0.0/8`, or a single address."""
    try:
        return ipaddress.ip_network(str(text))
    except ValueError:
        raise ValueError(f'"{text}" is no address range; write it like "10.0.0.0/8", with zeros behind the prefix, or "10.1.2.3"') from None


_DURATION_SCHEMA = {"type": "string", "pattern": r"^\d+(\.\d+)?\s*(ms|s|m|h|d)$"}
_SIZE_SCHEMA = {"type": "string", "pattern": r"^\d+(\.\d+)?\s*(B|KiB|MiB|GiB)$"}

Seconds = Annotated[float, BeforeValidator(seconds), WithJsonSchema(_DURATION_SCHEMA)]
Bytes = Annotated[int, BeforeValidator(byte_count), WithJsonSchema(_SIZE_SCHEMA)]
PublicOrigin = Annotated[str, AfterValidator(public_origin)]
PublicOriginOrNone = Annotated[str, AfterValidator(public_origin_or_none)]
ServerAddress = Annotated[str, AfterValidator(server_address)]
RedisUrlOrNone = Annotated[str, AfterValidator(redis_url)]
ServerPort = Annotated[str, AfterValidator(server_port)]
HostName = Annotated[str, AfterValidator(host_and_port)]
ListenAddress = Annotated[str, AfterValidator(listen_address)]
ListenAddressOrNone = Annotated[str, AfterValidator(listen_address_or_none)]
NetworkRange = Annotated[Network, PlainValidator(network), WithJsonSchema({"type": "string"})]
