"""Read the next part of a file in a process of its own while this one stores the last part."""

import multiprocessing
import pickle
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from outreach.feeds.file_problem import FileProblem

T = TypeVar("T")


def read_ahead(source: Callable[..., Iterator[T]], *arguments: Any) -> Iterator[T]:
    """What `source(*arguments)` yields, made one item ahead. `source` is a function of a module and
    everything that travels can be pickled. Raises FileProblem when it does, or when the other
    process dies."""
    # Spawned, not forked: a copy of this process would hold its database connections too.
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    reader = context.Process(target=_read, args=(sender, source, arguments), daemon=True)
    reader.start()
    sender.close()
    try:
        while True:
            try:
                problem, item = pickle.loads(receiver.recv_bytes())  # noqa: S301 (our own child)
            except EOFError:
                raise FileProblem(
                    "the process that reads the file ended unexpectedly (out of memory?); import"
                    " it again, what was taken is unchanged then"
                ) from None
            if problem:
                raise FileProblem(problem)
            if item is None:
                return
            yield item
    finally:
        receiver.close()
        reader.terminate()
        reader.join()


def _read(sender: Connection, source: Callable[..., Iterator[Any]], arguments: Any) -> None:
    import gc
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that stores decides
    gc.disable()  # see the import: hundreds of thousands of cells and no cycles
    try:
        for item in source(*arguments):
            sender.send_bytes(pickle.dumps((None, item), protocol=5))
        sender.send_bytes(pickle.dumps((None, None)))
    except FileProblem as problem:
        sender.send_bytes(pickle.dumps((str(problem), None)))
    except BrokenPipeError:
        pass  # the importer gave up
