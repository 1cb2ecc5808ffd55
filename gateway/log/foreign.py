"""The records of other libraries, in our log.

Owns what is kept of them: the unfilled template up to the first object that it may quote, the kind of the error and where it happened. Must
never write an argument of a record or the text of an exception: they may quote a request.
"""

import logging
import re

from gateway import __version__
from gateway.log.log import Log
from gateway.log.values import frames, kinds

_FIRST_WORDS = re.compile(r"[^<\n]*")
"""Of a foreign template: what stands before the first object that it may quote, on its first line."""


class ForeignRecords(logging.Handler):
    """Takes the records of other libraries and writes what cannot hold a request: template, error kind, places."""

    def __init__(self, log: Log) -> None:
        """``log`` gets a line for each record."""
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record without its arguments and without any line but the template's first."""
        template = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
        figures: dict[str, object] = {"library": record.name, "template": "".join(_FIRST_WORDS.findall(template)[:1])}
        if record.exc_info and record.exc_info[1] is not None:
            figures |= {"error": kinds(record.exc_info[1]), "frames": frames(record.exc_info[1])}
        self._log.write("error" if record.levelno >= 40 else "warning" if record.levelno >= 30 else "debug", "library", figures)


def take_over_logging(log: Log) -> None:
    """Send every record of the process through ``log``; for the command line, once, before anything starts."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
    root.addHandler(ForeignRecords(log))
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    log.write("debug", "started", {"version": __version__})
