"""Tests of the stand-in org, and of Okta's own clients against it."""
