"""Log records of other libraries (Python's ``logging``), written to the gateway's log.

Owns which parts of a record are written: its message template without arguments, up to the first ``<`` (where a quoted object begins), the
class of the error, and where it happened. Must never write an argument of a record or the text of an exception: they may quote a request.
"""

import logging
import re

from gateway import __version__
from gateway.observe.log import Log
from gateway.observe.log_values import frames, kinds

_FIRST_WORDS = re.compile(r"[^<\n]*")
"""The part of a foreign template that is written: its first line, up to the first ``<``, where the ``repr`` of an object may begin."""


class ForeignRecords(logging.Handler):
    """Handles the records of other libraries. It writes only the parts that cannot quote a request: template, error class, places."""

    def __init__(self, log: Log) -> None:
        """``log`` gets one line for each record."""
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record without its arguments, and only the first line of its template."""
        template = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
        figures: dict[str, object] = {"library": record.name, "template": "".join(_FIRST_WORDS.findall(template)[:1])}
        if record.exc_info and record.exc_info[1] is not None:
            figures |= {"error": kinds(record.exc_info[1]), "frames": frames(record.exc_info[1])}
        self._log.write("error" if record.levelno >= 40 else "warning" if record.levelno >= 30 else "debug", "library", figures)


def take_over_logging(log: Log) -> None:
    """Send every log record of the process to ``log``. The command line calls this once, before anything starts."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
    root.addHandler(ForeignRecords(log))
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    log.write("debug", "started", {"version": __version__})
