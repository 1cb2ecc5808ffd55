"""The policy of the gateway, pure: values and ``now`` in, values out.

No clock, no socket, no log, no ``await``. A newcomer who reads this package knows everything that the gateway decides;
everything else in the project only waits, carries bytes or draws pages.
"""
