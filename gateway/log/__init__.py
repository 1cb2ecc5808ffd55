"""What the gateway writes about itself, to standard error: ``Log``, and what becomes of other libraries' records."""

from gateway.log.foreign import ForeignRecords, take_over_logging
from gateway.log.forms import Format
from gateway.log.log import Level, Log
from gateway.log.outlet import Later
from gateway.log.repeats import Repeats
from gateway.log.values import LONGEST_LIST, NAMES

__all__ = ["LONGEST_LIST", "NAMES", "ForeignRecords", "Format", "Later", "Level", "Log", "Repeats", "take_over_logging"]
