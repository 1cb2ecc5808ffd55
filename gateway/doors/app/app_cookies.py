"""The cookies that one app sets: each ``Set-Cookie`` line is passed on, changed, or dropped.

Owns the log event ``app_cookie_narrowed``, which is written once for each app and process. Must never log a cookie's value. The rule
itself is in ``policy.http.app_cookies``.
"""

from collections.abc import Callable, Mapping

from gateway.policy.http.app_cookies import kept_cookie

Tell = Callable[[str, Mapping[str, object]], None]


class AppCookies:
    """The cookies of one app. ``keep`` has the type ``policy.http.app_cookies.KeepCookie``."""

    __slots__ = ("_app", "_is_told", "_login_host", "_tell")

    def __init__(self, app: str, login_host: str, tell: Tell) -> None:
        """``app``: the app's name for the log; ``login_host``: in lower case, without a port."""
        self._app = app
        self._login_host = login_host
        self._tell = tell
        self._is_told = False

    def keep(self, line: bytes) -> bytes | None:
        """The line that the browser gets; None where it is dropped."""
        kept = kept_cookie(line, self._login_host)
        if kept is not None and kept is not line and not self._is_told:
            self._is_told = True
            self._tell("app_cookie_narrowed", {"app": self._app})
        return kept
