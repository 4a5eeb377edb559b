"""Being asked to stop: a flag that SIGTERM and SIGINT set, and long work looks at between steps."""

import signal
import threading


def on_signals() -> threading.Event:
    """Set from now on by SIGTERM and SIGINT instead of what they did before. Call it from the main
    thread; the second SIGINT interrupts as usual, for those who cannot wait."""
    asked = threading.Event()

    def ask(_signal: int, _frame: object) -> None:
        asked.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    return asked
