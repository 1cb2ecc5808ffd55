"""Tests of gateway/doors/own."""
