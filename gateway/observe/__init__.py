"""The gateway's log on standard error: ``Log`` writes the lines, ``ForeignRecords`` writes log records of other libraries.

Must never write a secret, a body, a query, or the text of a foreign exception (``values``), and never block the gateway (``outlet``).
"""

from gateway.observe.formats import Format
from gateway.observe.library_logs import ForeignRecords, take_over_logging
from gateway.observe.log import Level, Log
from gateway.observe.log_values import LONGEST_LIST, NAMES
from gateway.observe.outlet import Later
from gateway.observe.repeats import Repeats, Tell

__all__ = ["LONGEST_LIST", "NAMES", "ForeignRecords", "Format", "Later", "Level", "Log", "Repeats", "Tell", "take_over_logging"]
