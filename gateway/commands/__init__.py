"""What the commands `check`, `hook` and `sign-out` ask and print. `gateway.cli` imports each file only for its own command.

Owns the questions to the org, the apps and Redis, and the lines for administrators. Must never serve a request.
"""
