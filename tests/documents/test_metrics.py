"""Every metric of the program has a row in deploy/README.md, and every row a metric."""

import ast
import re

from tests.architecture.sources import calls, python_files
from tests.documents.pages import text_of

_ROW = re.compile(r"^\| (?P<names>[*`a-z_, ]+) \| [^|]+ \|$", re.MULTILINE)
_METHODS = ("watch_total", "watch_level")
_FAMILIES = ("CounterMetricFamily", "GaugeMetricFamily", "HistogramMetricFamily")


def _of_the_source() -> set[str]:
    """The names in calls that register a metric, without the common prefix."""
    found = set[str]()
    for name in python_files("gateway"):
        for called, call in calls(name):
            match call.args:
                case [ast.Constant(value=str(metric)), *_] if called.rpartition(".")[2] in _METHODS:
                    found.add(metric)
                case [ast.BinOp(right=ast.Constant(value=str(metric))), *_] if called in _FAMILIES:
                    found.add(metric)
    return found


def _of_the_document() -> set[str]:
    table = text_of("deploy/README.md").partition("\n| metric |")[2].partition("\n\n")[0]
    return {name for row in _ROW.finditer(table) for name in re.findall(r"`([a-z_]+)`", row["names"])}


def test_every_metric_is_documented_and_no_other() -> None:
    source = _of_the_source()
    assert len(source) > 15 and {"requests_total", "closes_pending"} <= source
    assert _of_the_document() == source
