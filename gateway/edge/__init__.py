"""HTTP/1.1 with clients: connections, requests, answers.

Must never decide who may do what: a listener does (``rules.Listener``).
"""
