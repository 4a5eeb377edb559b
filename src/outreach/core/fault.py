"""Where a fault of ours arose, for a line that names no client."""


def place_of(error: BaseException) -> str:
    """FILE:LINE; empty for an error that was never raised. Its words may hold a client's, so they
    are not told."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    return f"{at.tb_frame.f_code.co_filename}:{at.tb_lineno}" if at is not None else ""
