"""When Python looks for garbage in cycles, in a process of thousands of accounts."""

import gc

#: Objects made and not freed until the youngest are looked at; how often until the young are, ten
#: thousand at a time, which takes 5 ms; how often until all are.
THRESHOLDS = (2_000, 5, 100)


def tune_garbage_collection() -> None:
    """Look for garbage less often, and never again among what is loaded by now.

    An account is 136 objects that live long, and a login leaves no garbage in cycles; but at
    Python's own thresholds its objects are looked at about ten times: 0.5 ms of CPU among 4,000
    accounts, and pauses of 300 ms. A call leaves 460 objects in cycles on each side, so all are
    looked at once in about 2,000 of them. Nothing is collected first: among what is loaded there is
    no garbage, and to look takes 100 ms.
    """
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)


def freeze_loaded() -> None:
    """Look no more among what was loaded since `tune_garbage_collection`, if that was called."""
    if gc.get_freeze_count():
        gc.freeze()
