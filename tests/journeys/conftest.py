"""Fixtures of the journeys: the whole demonstration (`session-gateway dev`), and a real browser."""

from tests.harness.demonstration import chromium, stage, start

__all__ = ["chromium", "stage", "start"]
