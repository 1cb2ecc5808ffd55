"""The HTTP/1.1 server: client connections, requests, answers, WebSockets.

Must never decide who may do what. The listener decides that (``rules.Listener``; in production ``gateway/doors/listener.py``).
"""
