"""Owns about a hundred addresses that some browser, server or library reads as an address of another site. Checks nothing by itself."""

from itertools import product

EVIL = "evil.example.net"

_SLASHES: tuple[str, ...] = (
    "//",
    "///",
    "////",
    "/\\",
    "\\/",
    "\\\\",
    "\\\\\\",
    "/\\/",
    "\\//",
    "/\\\\",
    "/./\\",
    "/%5c",
    "/%5C",
    "/%2f",
    "/%2F",
    "/%2F%2F",
    "%2F%2F",
)
_SLASHES += (
    "/%5c%5c",
    "/%255c",
    "/%252f",
    "/;//",
    "/.//",
    "/..//",
    "/x/..//",
    "/%2e//",
    "/%2e%2e//",
    "/.;//",
    "/x//",
    "/.%2f/",
)
_BETWEEN: tuple[str, ...] = (
    "\t",
    "\n",
    "\r",
    "\r\n",
    "\0",
    "\x01",
    "\x0b",
    "\x0c",
    "\x1f",
    " ",
    "\x7f",
    "\x85",
    "\xa0",
    "\u2028",
    "\u3000",
    "\ufeff",
    "\u200b",
)
_BETWEEN += ("%09", "%0a", "%0d", "%00")
_SCHEMES: tuple[str, ...] = (
    "http:",
    "https:",
    "HTTPS:",
    "ftp:",
    "ws:",
    "file:",
    "blob:https:",
    "view-source:https:",
    "htt\tps:",
    "\x01https:",
    "https\t:",
    "://",
    ":",
)
_SCRIPTS: tuple[str, ...] = (
    "javascript:alert(1)//",
    "JaVaScRiPt:alert(1)//",
    "java\tscript:alert(1)//",
    "javascript&colon;alert(1)//",
    "\x01javascript:alert(1)//",
)
_SCRIPTS += (
    "vbscript:msgbox(1)//",
    "data:text/html;base64,PHNjcmlwdD4=//",
    "data:text/html,<script>alert(1)</script>",
    "/javascript:alert(1)//\\",
)
_BESIDE: tuple[str, ...] = (
    ".evil.example.net",
    "@evil.example.net",
    ":pw@evil.example.net",
    ":443@evil.example.net",
    "%40evil.example.net",
    "\\@evil.example.net",
)
_BESIDE += (
    "\\.evil.example.net",
    "%5c.evil.example.net",
    "%2eevil.example.net",
    "%00.evil.example.net",
    "\t.evil.example.net",
    "&@evil.example.net",
)
_BESIDE += (
    "#@evil.example.net/",
    "?@evil.example.net/",
    ";.evil.example.net",
    "\u3002evil.example.net",
    "-evil.example.net",
    "..evil.example.net",
)
_BESIDE += (":444/evil", ":80/evil", ":/evil", ":443x/evil", ":99999/evil", ".:444/evil")


def off_site_forms() -> tuple[str, ...]:
    """Every form once, in order. None of them is a path of ours in all readings, and none is an address of a configured origin."""
    forms = [f"{slashes}{EVIL}{rest}" for slashes, rest in product(_SLASHES, ("", "/x"))]
    forms += [f"/{odd}/{EVIL}" for odd in _BETWEEN] + [f"{odd}//{EVIL}" for odd in _BETWEEN] + [f"/x{odd}" for odd in _BETWEEN[:9]]
    forms += [f"{scheme}{slashes}{EVIL}" for scheme, slashes in product(_SCHEMES, ("//", "/", "", "\\\\", "///"))]
    forms += list(_SCRIPTS)
    forms += [f"https://hr.example.com{rest}" for rest in _BESIDE] + [f"//hr.example.com{rest}" for rest in _BESIDE]
    forms += ["https://evilhr.example.com/", "https://example.com/evil", "https://evil.hr.example.com/", "http://hr.example.com/evil"]
    forms += [
        f"//hr.example.com@{EVIL}",
        f"https://hr.example.com:443:443@{EVIL}",
        f"https://[::1]/{EVIL}",
        f"//[{EVIL}]",
        f"https:hr.example.com@{EVIL}",
    ]
    forms += [
        EVIL,
        f"@{EVIL}",
        f".{EVIL}",
        f"?//{EVIL}",
        f"#//{EVIL}",
        f"{EVIL}/../..//",
        f"/.gateway/accept?ticket={EVIL}",
        f"/%2egateway/sign-in?to=//{EVIL}",
    ]
    forms += [
        f"/x%0d%0aLocation:%20https://{EVIL}",
        f"/x\r\nLocation: https://{EVIL}",
        f"/%0aSet-Cookie:%20evil=1{EVIL}",
        f"/x?%0d%0aevil:{EVIL}",
    ]
    return tuple(dict.fromkeys(forms))


def twice(form: str) -> tuple[str, ...]:
    """The values of a parameter that says this form: escaped once, and escaped again behind its first character (plain ASCII only)."""
    once = escaped(form)
    return (once,) if "%25" in form or not form.isascii() else (once, escaped(form[:1] + escaped(form[1:])))


def escaped(text: str) -> str:
    """Every byte as ``%XX``."""
    return "".join(f"%{byte:02X}" for byte in text.encode())
