"""The figures as a picture: panels of horizontal bars in SVG, readable on light and dark ground.

Owns the drawing; nothing is fetched, the fonts are the reader's. Bars begin at zero; a thin line shows the least and the most round.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from tests.bench.proxies.figures import Figures
from tests.bench.proxies.own import NAME

WIDTH, LEFT, RIGHT = 860, 190, 150
ROW, BAR, TITLE, GAP = 26, 16, 44, 22
STYLE = """
svg { color-scheme: light dark }
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 15px; font-weight: 600 }
.small { font-size: 11.5px; fill: #59636e }
.bar { fill: #8c959f } .pale { opacity: .45 } .own { fill: #0969da } .ownname { font-weight: 600 }
.whisker, .axis { stroke: #1f2328; stroke-width: 1 } .axis { opacity: .35 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .small { fill: #9198a1 } .bar { fill: #6e7681 } .own { fill: #4493f8 } .whisker, .axis { stroke: #e6edf3 }
}
"""


@dataclass(frozen=True, slots=True)
class Bar:
    """One contestant in one panel; ``beyond`` draws a paler bar behind, ``span`` a line from the least to the most."""

    name: str
    value: float
    text: str
    beyond: float | None = None
    span: tuple[float, float] | None = None

    @property
    def reach(self) -> float:
        """How far anything of it goes to the right."""
        return max(self.value, self.beyond or 0, *(self.span or (0,)))


@dataclass(frozen=True, slots=True)
class Panel:
    """A title, a line below it, and bars."""

    title: str
    below: str
    bars: Sequence[Bar]

    @property
    def height(self) -> int:
        """In pixels."""
        return TITLE + ROW * len(self.bars) + GAP


def picture(all_figures: Sequence[Figures], below: Sequence[str]) -> str:
    """The whole SVG, with these lines below it; panels without a figure are left out."""
    panels = [panel for panel in (_rates(all_figures), _costs(all_figures), _latency(all_figures), _memory(all_figures)) if panel.bars]
    height = sum(panel.height for panel in panels) + GAP * (len(below) + 1)
    drawn: list[str] = []
    top = GAP
    for panel in panels:
        drawn.extend(_drawn(panel, top))
        top += panel.height
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">'
    title = "<title>session-gateway beside other proxies</title>"
    feet = [_text(16, top + GAP * number, line, "small") for number, line in enumerate(below)]
    return "\n".join((head, title, f"<style>{STYLE}</style>", *drawn, *feet, "</svg>", ""))


def _rates(all_figures: Sequence[Figures]) -> Panel:
    bars = [
        Bar(one.name, one.rate, f"{one.rate:,.0f}", span=(min(each.rate for each in one.rounds), max(each.rate for each in one.rounds)))
        for one in all_figures[1:]
        if one.rate is not None
    ]
    return Panel("Requests per second on one core", "32 connections, answers of 790 bytes; more is better", _sorted(bars)[::-1])


def _costs(all_figures: Sequence[Figures]) -> Panel:
    bars = [Bar(one.name, one.cpu, f"{one.cpu:.1f} µs") for one in all_figures[1:] if one.cpu is not None]
    return Panel("CPU time for each request", "less is better", _sorted(bars))


def _latency(all_figures: Sequence[Figures]) -> Panel:
    bars = [
        Bar(one.name, max(one.added_p50, 0), f"{one.added_p50:.2f} / {one.added_p99:.2f} ms", beyond=max(one.added_p99, 0))
        for one in all_figures
        if one.added_p50 is not None and one.added_p99 is not None
    ]
    return Panel("Latency added at half load", "median (full) and slowest in a hundred (pale); less is better", _sorted(bars))


def _memory(all_figures: Sequence[Figures]) -> Panel:
    counts = [one.idle.count for one in all_figures if one.idle]
    bars = [Bar(one.name, one.idle.megabytes, f"{one.idle.megabytes:.0f} MB") for one in all_figures if one.idle]
    return Panel(f"Memory with {max(counts, default=0):,} idle connections", "less is better", _sorted(bars))


def _sorted(bars: Sequence[Bar]) -> list[Bar]:
    return sorted(bars, key=lambda bar: bar.value)


def _drawn(panel: Panel, top: int) -> Iterator[str]:
    yield _text(16, top + 14, panel.title, "title")
    yield _text(16, top + 31, panel.below, "small")
    scale = (WIDTH - LEFT - RIGHT) / max(*(bar.reach for bar in panel.bars), 1e-9)
    first = top + TITLE
    for number, bar in enumerate(panel.bars):
        yield from _bar(bar, first + number * ROW, scale)
    yield f'<line class="axis" x1="{LEFT}" x2="{LEFT}" y1="{first}" y2="{first + ROW * len(panel.bars)}"/>'


def _bar(bar: Bar, top: int, scale: float) -> Iterator[str]:
    own = bar.name == NAME
    kind, middle = ("bar own" if own else "bar"), top + ROW / 2
    yield _text(LEFT - 10, middle + 4.5, bar.name, "ownname" if own else "", anchor="end")
    if bar.beyond is not None:
        yield _box(kind + " pale", top, bar.beyond * scale)
    yield _box(kind, top, bar.value * scale)
    if bar.span is not None:
        least, most = (LEFT + each * scale for each in bar.span)
        yield f'<line class="whisker" x1="{least:.1f}" x2="{most:.1f}" y1="{middle}" y2="{middle}"/>'
    yield _text(LEFT + bar.reach * scale + 8, middle + 4.5, bar.text)


def _box(kind: str, top: int, width: float) -> str:
    return f'<rect class="{kind}" x="{LEFT}" y="{top + (ROW - BAR) / 2:.0f}" width="{width:.1f}" height="{BAR}" rx="2"/>'


def _text(x: float, y: float, said: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(said)}</text>'
