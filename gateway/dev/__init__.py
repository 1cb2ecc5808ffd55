"""Tools for development: a stand-in for an Okta org, a demo, and the command that runs both with a gateway.

No other room may import from here, except ``gateway.cli``, for the commands `dev` and `org`.
"""
