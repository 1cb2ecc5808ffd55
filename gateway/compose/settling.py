"""What a process does once, when everything is made that stays: it tells Python's collector so.

Owns the collector's settings. Without them a look at all that lives (modules, configuration, pools) takes 26 ms every few seconds under
load, measured, and every request of that moment waits. What was remembered of requests is looked through once, when it is young, and then
seldom: a look at 200,000 objects takes 170 ms. A request leaves nothing for the collector (``tests/doors/test_garbage.py``).
Must never switch the collector off: what refers to itself must still be found.
"""

import gc

YOUNG_OBJECTS, YOUNG_LOOKS, OLD_LOOKS = 10_000, 500, 5


def settle() -> None:
    """From now on only what is made later is looked through, and less often; call it in a process that serves, once it listens."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, YOUNG_LOOKS, OLD_LOOKS)
