"""The benchmark of the data plane: the gateway beside the proxies that one would use in its place, each on one core.

Run: ``python -m tests.bench.proxies`` (``--help`` for its switches), or ``make bench``.
"""
