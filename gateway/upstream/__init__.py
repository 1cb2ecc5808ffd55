"""The HTTP/1.1 client for app servers: connection pools, a strict parser of answers, load balancing, health checks.

Must never decide anything about sessions.
"""
