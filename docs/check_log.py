"""Check an audit log without the program that wrote it: Python's standard library is enough.

    python check_log.py outreach.db [checkpoint.txt]

Reads the audit entries of an SQLite file, computes every leaf and the root anew, and compares the
root with a checkpoint that was kept elsewhere. docs/audit.md says what each step means.
"""

import base64
import hashlib
import json
import sqlite3
import sys
from pathlib import Path

ENTRIES = """
    SELECT seq, at, kind, actor, subject, detail,
           covers_table, covers_from, covers_to, covers_count, covers_root, row_hints, leaf
    FROM audit_entry ORDER BY seq
"""


def sha256(data):
    return hashlib.sha256(data).digest()


def moment(text):
    """SQLite keeps 2026-09-28 07:30:00.000000; the hash is over 2026-09-28T07:30:00Z."""
    day, time = text.split(" ")
    whole, _, fraction = time.partition(".")
    return f"{day}T{whole}{'' if int(fraction or 0) == 0 else '.' + fraction}Z"


def leaf(entry):
    """RFC 6962: SHA-256 of a zero byte and the entry, here a JSON array of its columns."""
    values = [value.hex() if isinstance(value, bytes) else value for value in entry]
    values[1] = moment(values[1])
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return sha256(b"\x00" + text.encode())


def root(leaves):
    """RFC 6962, section 2.1, word for word: split at the largest power of two."""
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + root(leaves[:split]) + root(leaves[split:]))


def main(database, checkpoint=None):
    leaves = []
    log = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    for *entry, stored in log.execute(ENTRIES):
        computed = leaf(entry)
        if entry[0] != len(leaves) or computed != stored:
            sys.exit(f"entry {len(leaves)} is missing or was changed")
        leaves.append(computed)
    print(f"{len(leaves)} entries, root {root(leaves).hex()}")
    if checkpoint:
        origin, size, sealed = Path(checkpoint).read_text(encoding="utf-8").split("\n")[:3]
        size = int(size)
        if size > len(leaves) or root(leaves[:size]) != base64.b64decode(sealed):
            sys.exit(f"the log is not the one that {origin} sealed at {size} entries")
        print(f"the first {size} entries are those that {origin} sealed")


if __name__ == "__main__":
    main(*sys.argv[1:3])
