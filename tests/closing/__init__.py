"""Tests of gateway/closing."""
