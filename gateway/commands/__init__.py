"""What the commands `check`, `hook`, `keygen`, `schema` and `sign-out` ask and print.

Owns the questions to the org, the apps and Redis, and the lines for administrators. Must never serve a request.
"""
