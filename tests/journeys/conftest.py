"""Owns which fixtures the journeys see: the whole arrangement, and a real browser."""

from tests.journeys.stage import chromium, stage, start

__all__ = ["chromium", "stage", "start"]
