"""The errors of the gateway: the outside world failing, or a bug. "No session" and "denied" are values, never errors.

The tree::

    GatewayError
    ├── BadConfig            the configuration cannot be used; carries every problem, each with its place
    └── OutsideFailed        a server that we asked (Okta, an app) did not answer properly
        ├── AllDown          every server of an app is out; nothing was sent
        ├── Busy             all connections to it are in use; nothing was sent
        ├── Unreachable      no connection: refused, DNS, TLS; the request provably did not leave
        ├── TimedOut         a deadline of the config passed (``stage``: connect, first_byte, idle)
        ├── HungUp           the connection ended before the answer did; the request may have been acted on
        │   ├── Unsent       it had ended before the request was written; nothing was sent
        │   └── StaleConnection  it was a kept one, and ended before a byte of the answer came
        ├── UploadBroken     the client's body broke off or was malformed; the request was not completed
        │   ├── UploadTooLarge   it became larger than it may; nobody else is to blame either
        │   └── UploadTooSlow    it came too slowly
        ├── StateFailed      the shared state could not be read or written; nothing has changed in it
        │   ├── LeaseLost    a lease had ended, or somebody else holds its keys; nothing has changed
        │   └── TurnTaken    another process holds the lease that is needed, and did not give it back in time
        └── Nonsense         what came back is not HTTP as we accept it

Must never carry a field, a body, a cookie or a token.
"""

from typing import Self


class GatewayError(Exception):
    """Base of all errors that the gateway raises itself."""


class BadConfig(GatewayError):
    """The configuration cannot be used. ``problems``: one line each, with place and remedy."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        """Keep every problem, so that all can be shown at once."""
        super().__init__("; ".join(problems))
        self.problems = problems


class OutsideFailed(GatewayError):
    """A server outside did not answer properly; ``reason`` is a word for logs and pages."""

    reason = "outside_failed"
    left = True
    """Whether the request may have left this machine (and so may have been acted on)."""
    why = ""
    """Why, as a word of ``causes`` or of a strict reader; empty where ``reason`` says all."""
    detail = ""
    """The name of the error behind it, such as ECONNREFUSED."""

    def because(self, why: str, detail: str = "") -> Self:
        """The same, with what is behind it."""
        self.why, self.detail = why, detail
        return self

    @property
    def cause(self) -> str:
        """``reason``, and behind a colon by which rule, where there is one."""
        return self.reason


class Unreachable(OutsideFailed):
    """No connection could be made; nothing was sent."""

    reason = "unreachable"
    left = False


class AllDown(OutsideFailed):
    """Every server of an app is out of service just now; nothing was sent."""

    reason = "all_down"
    left = False


class Busy(OutsideFailed):
    """All connections that may be open are in use; nothing was sent. The argument names the limit."""

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
    """The connection ended early."""

    reason = "hung_up"


class Unsent(HungUp):
    """The connection had ended before anything of the request was written to it."""

    left = False


class StaleConnection(HungUp):
    """The connection had been used before, and ended before a byte of the answer came: its server had most likely given it up."""


class UploadBroken(OutsideFailed):
    """The body that was being passed on broke off, or stopped being what its head announced."""

    reason = "upload_broken"


class UploadTooLarge(UploadBroken):
    """The body that was being passed on is larger than it may be."""

    reason = "body_too_large"


class UploadTooSlow(UploadBroken):
    """The body that was being passed on came too slowly."""

    reason = "body_too_slow"


class StateFailed(OutsideFailed):
    """The shared state could not be read or written. The argument names the file, where there is one, and what is wrong."""

    reason = "state_failed"


class LeaseLost(StateFailed):
    """A change under a lease was refused: the lease had ended, or somebody else holds one of its keys now."""

    reason = "lease_lost"


class TurnTaken(StateFailed):
    """Another process serves this browser just now, and did not finish in time."""

    reason = "turn_taken"


class Nonsense(OutsideFailed):
    """What came back was not acceptable HTTP. The argument names the rule that it breaks."""

    reason = "nonsense"

    def __init__(self, rule: str) -> None:
        """``rule``: one word."""
        super().__init__(rule)
        self.rule = rule

    @property
    def cause(self) -> str:
        """With the rule, as in ``nonsense:content_length``."""
        return f"{self.reason}:{self.rule}"
