"""Tests of gateway/doors/app."""
