"""The benchmark of pages as browsers load them: many users, eight shapes of request, beside what one would use in the gateway's place.

Run: ``python -m tests.bench.pages`` (``--help`` for its switches), or ``make bench``.
"""
