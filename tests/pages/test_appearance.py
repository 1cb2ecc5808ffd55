"""The stylesheet: contrast of every pair of colours that meet, in both schemes (WCAG 2.2, 1.4.3 and 1.4.11)."""

import re

import pytest

from gateway.pages import asset

TEXT_PAIRS = [
    ("ink", "ground"), ("ink", "card"), ("quiet", "ground"), ("quiet", "card"), ("on-accent", "accent"), ("on-accent", "accent-hover"),
]  # fmt: skip
SHAPE_PAIRS = [
    ("calm", "calm-wash"), ("ask", "ask-wash"), ("stop", "stop-wash"), ("done", "done-wash"),
    ("edge", "card"), ("edge", "ground"), ("accent", "card"), ("focus", "card"), ("focus", "ground"),
]  # fmt: skip


def _stylesheet() -> str:
    found = asset("page.css")
    assert found is not None
    return found.body.decode()


def _schemes() -> dict[str, dict[str, str]]:
    light, dark = re.findall(r":root \{(.*?)\}", _stylesheet(), re.S)
    return {name: dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block)) for name, block in (("light", light), ("dark", dark))}


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _contrast(one: str, other: str) -> float:
    bright, dim = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def test_the_measure_itself() -> None:
    assert _contrast("#000000", "#ffffff") == pytest.approx(21)
    assert _contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("pair", "least"), [(pair, 4.5) for pair in TEXT_PAIRS] + [(pair, 3.0) for pair in SHAPE_PAIRS])
def test_colours_that_meet_can_be_told_apart(scheme: str, pair: tuple[str, str], least: float) -> None:
    colours = _schemes()[scheme]
    assert _contrast(colours[pair[0]], colours[pair[1]]) >= least


def test_both_schemes_name_the_same_colours_and_every_colour_used_is_named() -> None:
    schemes = _schemes()
    assert schemes["light"].keys() == schemes["dark"].keys()
    used = set(re.findall(r"var\(--([a-z-]+)\)", _stylesheet())) - {"tone", "wash"}
    assert used <= schemes["light"].keys()


def test_focus_is_always_visible_and_nothing_comes_from_elsewhere() -> None:
    assert ":focus-visible { outline: 3px" in _stylesheet()
    assert "outline: none" not in _stylesheet()
    assert "url(" not in _stylesheet()
    assert "@import" not in _stylesheet()
