"""Tests of gateway/doors/login."""
