"""Tests of gateway/compose."""
