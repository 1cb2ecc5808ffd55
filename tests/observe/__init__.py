"""Tests of gateway/observe."""
