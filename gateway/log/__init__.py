"""The gateway's log on standard error: ``Log`` writes the lines, ``ForeignRecords`` writes log records of other libraries.

Must never write a secret, a body, a query, or the text of a foreign exception (``values``), and never block the gateway (``outlet``).
"""

from gateway.log.foreign import ForeignRecords, take_over_logging
from gateway.log.forms import Format
from gateway.log.log import Level, Log
from gateway.log.outlet import Later
from gateway.log.repeats import Repeats
from gateway.log.values import LONGEST_LIST, NAMES

__all__ = ["LONGEST_LIST", "NAMES", "ForeignRecords", "Format", "Later", "Level", "Log", "Repeats", "take_over_logging"]
