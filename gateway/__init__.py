"""session-gateway: a reverse proxy for apps whose users sign in with Okta.

It sends a ``sessionToken`` to Okta only after it has proven that the older session of that browser has ended.

Read first: gateway/README.md (how it is built) and SECURITY.md (what it promises, and to whom). Then ``gateway.policy`` (all decisions,
without a clock or a socket), ``gateway.doors`` (answers the requests), ``gateway.compose`` (builds all objects). This file holds only
the version.
"""

__version__ = "0.2.4"
