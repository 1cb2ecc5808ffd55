"""Fixtures of the journeys: the whole demonstration (`session-gateway dev`)."""

from tests.harness.demonstration import stage, start

__all__ = ["stage", "start"]
