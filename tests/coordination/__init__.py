"""Tests of gateway/coordination."""
