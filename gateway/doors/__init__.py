"""The doors: where a request of the outside world is answered, each by one object with ``handle``.

A door may wait, log and choose a page; it may never decide what ``policy`` decides. Doors do not know each other; what they
share is ``answers`` and the gateway's own paths.
"""
