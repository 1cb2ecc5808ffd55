"""The doors: each door is one object that answers the requests of one kind (app host, login host, sub-requests, hooks, health).

A door may wait, write to the log and choose a page. It must never decide what ``gateway.policy`` decides. Doors do not import each other:
what two of them need is in the files beside them (``answers``, ``deciding``, ``own``, …). The table of the doors is in
``gateway/README.md``.
"""
