"""What a door tells the access log about a request: route, verdict, reason, fingerprint.

Must never hold anything of a request that was not judged: no path, no field, no cookie. Rules from: STYLE, "Configuration, logs".
"""

from aiohttp import web

ROUTE = web.RequestKey("route", str)
VERDICT = web.RequestKey("verdict", str)
REASON = web.RequestKey("reason", str)
FINGERPRINT = web.RequestKey("fingerprint", str)
_KEYS = {"route": ROUTE, "verdict": VERDICT, "reason": REASON, "fingerprint": FINGERPRINT}


def noted(request: web.BaseRequest) -> dict[str, str]:
    """The words that doors left in a request, by name; what was not left is not there."""
    return {name: request[key] for name, key in _KEYS.items() if key in request}
