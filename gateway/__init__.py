"""session-gateway: the end of an old Okta session is proven before a sessionToken is spent on a new one.

Start reading in ``gateway.policy`` (all rules, without a clock or a socket), then ``gateway.doors`` (what listens) and
``gateway.compose`` (what builds the objects). This file holds the version and nothing else.

How it is built: gateway/README.md. What it promises, and to whom: SECURITY.md.
"""

__version__ = "0.1.0"
