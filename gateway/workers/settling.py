"""Sets Python's garbage collector once, when the process has built everything that stays.

Why: a full collection looks at all living objects (modules, configuration, pools). Under load it takes 26 ms every few seconds, measured,
and every request of that moment waits. So these objects are frozen. What is cached of requests is looked at once while it is young, and
seldom after that: a look at 200,000 objects takes 170 ms. A request leaves nothing for the collector
(``tests/edge/test_garbage_collection.py``).
Must never switch the collector off: cycles must still be found.
"""

import gc

YOUNG_OBJECTS, YOUNG_LOOKS, OLD_LOOKS = 10_000, 500, 5


def settle() -> None:
    """Freeze the objects that exist now, and collect less often. Call it in a process that serves, once it listens."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, YOUNG_LOOKS, OLD_LOOKS)
