"""A small IMAP server of one folder, for what a real one seldom does: no MOVE, odd order, a cut."""

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any


class Box:
    """The mails of a folder by their number; what was asked of the server."""

    def __init__(self, mails: list[bytes], abilities: str = "") -> None:
        self.mails = dict(enumerate(mails, start=11))
        self.deleted: set[int] = set()
        self.moved: list[tuple[str, int]] = []
        self.folders: set[str] = set()
        self.abilities = abilities
        self.uid_behind = False  # whether the number stands behind the mail in an answer
        self.cut_at = ""  # the command at which the server hangs up
        self.refuse = ""  # the command it refuses
        self.asked: list[str] = []
        self.logins: list[str] = []

    def open_mails(self) -> list[int]:
        return [uid for uid in sorted(self.mails) if uid not in self.deleted]


class _Session(socketserver.StreamRequestHandler):
    box: Box

    def handle(self) -> None:
        self._say("* OK ready")
        with suppress(OSError):
            while line := self.rfile.readline():
                tag, _, rest = line.decode("ascii").strip().partition(" ")
                self.box.asked.append(rest)
                if self.box.cut_at and rest.startswith(self.box.cut_at):
                    return
                if self.box.refuse and rest.startswith(self.box.refuse):
                    self._say(f"{tag} NO not today")
                elif not self._answer(tag, rest):
                    return

    def _say(self, line: str) -> None:
        self.wfile.write(line.encode("ascii") + b"\r\n")

    def _answer(self, tag: str, rest: str) -> bool:
        box = self.box
        words = rest.upper().split()
        if words[0] == "CAPABILITY":
            self._say(f"* CAPABILITY IMAP4rev1 {box.abilities}")
        elif words[0] == "LOGIN":
            box.logins.append(rest)
        elif words[0] == "SELECT":
            self._say(f"* {len(box.mails)} EXISTS")
        elif words[0] == "CREATE":
            box.folders.add(rest.split(" ", 1)[1])
        elif words[0] == "UID":
            self._uid(words[1], rest)
        elif words[0] == "LOGOUT":
            self._say("* BYE")
        self._say(f"{tag} OK done")
        return words[0] != "LOGOUT"

    def _uid(self, verb: str, rest: str) -> None:
        box = self.box
        if verb == "SEARCH":
            self._say("* SEARCH " + " ".join(map(str, box.open_mails())))
            return
        uids = [int(one) for one in re.findall(r"\d+", rest.split()[2])]
        if verb == "FETCH":
            for uid in uids:
                self._fetch(uid)
        elif verb == "MOVE":
            for uid in uids:
                box.moved.append((rest.split(" ", 3)[3], uid))
                del box.mails[uid]
        elif verb == "COPY":
            box.moved += [(rest.split(" ", 3)[3], uid) for uid in uids]
        elif verb == "STORE":
            box.deleted.update(uids)
        elif verb == "EXPUNGE":
            for uid in uids:
                del box.mails[uid]

    def _fetch(self, uid: int) -> None:
        if uid not in self.box.mails:
            return
        mail = self.box.mails[uid]
        before, behind = (f"UID {uid} ", "") if not self.box.uid_behind else ("", f" UID {uid}")
        self._say(f"* 1 FETCH ({before}BODY[]<0> {{{len(mail)}}}")
        self.wfile.write(mail)
        self._say(f"{behind})")
        self._say("* 1 FETCH (FLAGS (\\Seen))")  # said unasked, as servers may


@contextmanager
def imap_server(box: Box) -> Iterator[int]:
    """The port of a server of this box."""
    session: Any = type("Session", (_Session,), {"box": box})

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with Server(("127.0.0.1", 0), session) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
