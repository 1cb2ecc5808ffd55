"""Advice for programmers who call the Okta org: why Okta refused a call, and which calls Okta recommends against."""
