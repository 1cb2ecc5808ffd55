"""The gateway's exceptions: a server or a client failed, or the configuration is bad.

"No session" and "denied" are normal results: they are values, never exceptions.

The tree::

    GatewayError
    ├── BadConfig            the configuration cannot be used; holds every problem, each with its place in the file
    └── OutsideFailed        a server that was asked (Okta, an app, the shared state) did not answer properly, or the client failed
        ├── AllDown          every server of the app is out of service; nothing was sent
        ├── Busy             all connections to the server are in use; nothing was sent
        ├── Unreachable      no connection could be made: refused, DNS, TLS; nothing was sent
        ├── TimedOut         a configured deadline passed (``stage``: connect, first_byte, idle)
        ├── HungUp           the connection ended before the answer was complete; the server may have acted on the request
        │   ├── Unsent       it ended before the request was written; nothing was sent
        │   └── StaleConnection  it was a kept-alive connection, and ended before a byte of the answer came
        ├── UploadBroken     the client's body broke off or was malformed; the request was not completed
        │   ├── UploadTooLarge   the body is larger than allowed; the server is not to blame
        │   └── UploadTooSlow    the body came too slowly
        ├── StateFailed      the shared state could not be read or written; nothing in it has changed
        │   ├── LeaseLost    a lease had ended, or another process holds one of its keys; nothing has changed
        │   └── LeaseTaken   another request holds the lease that is needed, and did not release it in time
        └── Nonsense         the answer is not HTTP that the gateway accepts

An exception must never hold a field, a body, a cookie or a token.
"""

from typing import Self


class GatewayError(Exception):
    """The base class of all errors that the gateway itself raises."""


class BadConfig(GatewayError):
    """The configuration cannot be used. ``problems``: one line for each, with its place and what to do."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        """All problems are kept, so that they can be shown together."""
        super().__init__("; ".join(problems))
        self.problems = problems


class OutsideFailed(GatewayError):
    """A server did not answer properly, or the client failed. ``reason``: a word for logs and pages."""

    reason = "outside_failed"
    left = True
    """Whether the request may have left this machine, so that the server may have acted on it."""
    why = ""
    """The cause, as a word of ``causes`` or of a strict parser; empty if ``reason`` says all."""
    detail = ""
    """The name of the original error, such as ECONNREFUSED."""

    def because(self, why: str, detail: str = "") -> Self:
        """Set the cause and return this error."""
        self.why, self.detail = why, detail
        return self

    @property
    def cause(self) -> str:
        """A word for the log: ``reason``; in ``Nonsense`` with the broken rule after a colon."""
        return self.reason


class Unreachable(OutsideFailed):
    """No connection could be made; nothing was sent."""

    reason = "unreachable"
    left = False


class AllDown(OutsideFailed):
    """Every server of the app is out of service now; nothing was sent."""

    reason = "all_down"
    left = False


class Busy(OutsideFailed):
    """All allowed connections are in use; nothing was sent. The argument names the limit."""

    reason = "busy"
    left = False


class TimedOut(OutsideFailed):
    """A deadline passed before the answer came."""

    reason = "timed_out"

    def __init__(self, stage: str) -> None:
        """``stage``: connect, first_byte or idle."""
        super().__init__(f"deadline passed: {stage}")
        self.stage = stage
        self.left = stage != "connect"


class HungUp(OutsideFailed):
    """The connection ended before the answer was complete."""

    reason = "hung_up"


class Unsent(HungUp):
    """The connection ended before anything of the request was written to it."""

    left = False


class StaleConnection(HungUp):
    """A kept-alive connection ended before a byte of the answer came: its server had most likely closed it as idle."""


class UploadBroken(OutsideFailed):
    """The client's body broke off, or is not what its head announced."""

    reason = "upload_broken"


class UploadTooLarge(UploadBroken):
    """The client's body is larger than allowed."""

    reason = "body_too_large"


class UploadTooSlow(UploadBroken):
    """The client's body came too slowly."""

    reason = "body_too_slow"


class StateFailed(OutsideFailed):
    """The shared state could not be read or written. The argument names the file, if there is one, and what is wrong."""

    reason = "state_failed"


class LeaseLost(StateFailed):
    """A change under a lease was refused: the lease had ended, or another process holds one of its keys now."""

    reason = "lease_lost"


class LeaseTaken(StateFailed):
    """Another request holds the lease for this browser, and did not release it in time."""

    reason = "turn_taken"


class Nonsense(OutsideFailed):
    """The answer is not HTTP that the gateway accepts. The argument names the rule that it breaks."""

    reason = "nonsense"

    def __init__(self, rule: str) -> None:
        """``rule``: one word."""
        super().__init__(rule)
        self.rule = rule

    @property
    def cause(self) -> str:
        """``reason`` with the broken rule, such as ``nonsense:content_length``."""
        return f"{self.reason}:{self.rule}"
