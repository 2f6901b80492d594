"""Child processes that never outlive the one that started them."""

import multiprocessing
import os
import threading


def end_with_parent() -> None:
    """End this process as soon as its parent has ended, even by kill -9, which tells a child nothing.

    For processes that ``multiprocessing`` started. Without it, a pool's workers would wait for work for ever, and the
    processes of a training run would go on training, and writing, beside the run that resumes it.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None, "only children call this"

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
