"""What others say, as a database takes it."""


def plain(said: str, longest: int) -> str:
    """Text of the other side, cut and without what no database stores: not even its strangest
    answer may stop the record of what was sent."""
    return said[:longest].replace("\0", "").encode("utf-8", "replace").decode()
