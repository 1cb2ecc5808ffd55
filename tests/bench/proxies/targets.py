"""What the gateway has to reach beside the others, and whether it did.

Owns the list of promises. A promise about somebody who was not measured is open: neither kept nor broken.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.bench.proxies.figures import Figures, ratio
from tests.bench.proxies.held import Held
from tests.bench.proxies.own import NAME, OLDER

FASTER_THAN = (
    ("Caddy forward_auth", 3.0),
    ("Traefik ForwardAuth", 3.0),
    ("Caddy", 1.2),
    ("Traefik", 1.2),
    ("Envoy ext_authz", 1.5),
    ("nginx auth_request", 0.5),
    ("naive aiohttp", 3.0),
)
THAN_OLDER = 0.97
ADDED_P50, ADDED_P99 = 0.2, 2.0
"""In milliseconds; the p99 counts where nginx was not measured in the same run."""
NO_MORE = 1.02
"""Times an older build's memory: what two starts of one build differ by."""
GROWN_MEGABYTES, PART_OF_NGINX = 30.0, 0.6


@dataclass(frozen=True, slots=True)
class Target:
    """One promise: ``reached`` must be over ``wanted``, or under it; ``aside`` is a figure that helps to judge it."""

    what: str
    wanted: float
    reached: float | None
    is_over: bool = True
    aside: str = ""

    @property
    def is_held(self) -> bool | None:
        """None where nothing was measured."""
        if self.reached is None:
            return None
        return self.reached >= self.wanted if self.is_over else self.reached < self.wanted


def targets(all_figures: Mapping[str, Figures]) -> list[Target]:
    """All promises, in the order in which they were made."""
    own = all_figures.get(NAME, Figures(NAME))
    nginx, older = all_figures.get("nginx", Figures("nginx")), all_figures.get(OLDER)
    than_older = _than_older(own, older) if older is not None else ()
    return [*_faster(own, all_figures), *than_older, *_latency(own, nginx), *_bulk(own, nginx)]


def _faster(own: Figures, all_figures: Mapping[str, Figures]) -> Iterator[Target]:
    for name, wanted in FASTER_THAN:
        yield _times(own, all_figures.get(name, Figures(name)), wanted)


def _times(own: Figures, peer: Figures, wanted: float) -> Target:
    by_cpu = ratio(peer.cpu, own.cpu)
    aside = "" if by_cpu is None else f"{by_cpu:.2f} by CPU time"
    return Target(f"requests/s, times {peer.name}", wanted, ratio(own.rate, peer.rate), aside=aside)


def _than_older(own: Figures, older: Figures) -> Iterator[Target]:
    yield _times(own, older, THAN_OLDER)
    for what, mine, theirs in (("idle connections", own.idle, older.idle), ("WebSockets", own.sockets, older.sockets)):
        yield Target(f"memory of {what}, times {older.name}", NO_MORE, ratio(_megabytes(mine), _megabytes(theirs)), is_over=False)


def _megabytes(held: Held | None) -> float | None:
    return None if held is None else held.megabytes


def _latency(own: Figures, nginx: Figures) -> Iterator[Target]:
    aside = "" if own.half_rate is None else f"at {own.half_rate:.0f}/s"
    slowest = ADDED_P99 if nginx.added_p99 is None else nginx.added_p99
    yield Target("added latency at half load, p50, ms", ADDED_P50, own.added_p50, is_over=False, aside=aside)
    yield Target("added latency at half load, p99, ms", slowest, own.added_p99, is_over=False, aside=aside)


def _bulk(own: Figures, nginx: Figures) -> Iterator[Target]:
    for way, mine, theirs in (("download", own.down, nginx.down), ("upload", own.up, nginx.up)):
        speed = ratio(mine.gigabytes_per_second if mine else None, theirs.gigabytes_per_second if theirs else None)
        yield Target(f"{way}, times nginx", PART_OF_NGINX, speed)
        yield Target(f"{way}, memory grown, MB", GROWN_MEGABYTES, mine.grown if mine else None, is_over=False)
