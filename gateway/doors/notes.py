"""What a door tells the access log about a request: app (where the listener cannot know it), route, verdict, reason, fingerprint.

Must never hold anything of a request that was not judged: no path, no field, no cookie. Rules from: STYLE, "Configuration, logs".
"""

from aiohttp import web

APP = web.RequestKey("app", str)
ROUTE = web.RequestKey("route", str)
VERDICT = web.RequestKey("verdict", str)
REASON = web.RequestKey("reason", str)
FINGERPRINT = web.RequestKey("fingerprint", str)
_KEYS = {"app": APP, "route": ROUTE, "verdict": VERDICT, "reason": REASON, "fingerprint": FINGERPRINT}


def noted(request: web.BaseRequest) -> dict[str, str]:
    """The words that doors left in a request, by name; what was not left is not there."""
    return {name: request[key] for name, key in _KEYS.items() if key in request}
