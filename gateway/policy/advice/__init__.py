"""Advice for those who program against the org: what Okta refused and why, and which calls Okta recommends against."""
