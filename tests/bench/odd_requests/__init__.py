"""Odd request targets and methods, sent through the gateway, nginx and Caddy to the same app: who forwards what, and why they differ.

`python -m tests.bench.odd_requests` prints the table. `tests/field/test_odd_requests.py` holds it.
"""
