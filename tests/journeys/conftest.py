"""Fixtures of the journeys: the whole demonstration (`session-gateway dev`), and a real browser."""

from tests.journeys.stage import chromium, stage, start

__all__ = ["chromium", "stage", "start"]
