"""A small world of mail: Postfix, Dovecot and postgrey, where each recipient domain is a behaviour.

| domain, below example.com | what happens |
|---|---|
| ok, grey, bounces | delivered into a Maildir; grey only after a few seconds |
| door | handed to an LMTP server of the test's own |
| reject, blocked | refused at RCPT: 550 5.1.1 no such user, 554 5.7.1 policy |
| defer, busy | put off at RCPT: 451 4.3.2, 452 4.2.2 mailbox full |
| bounce, full | taken, and a report follows: 5.1.1, 5.2.2 |
| slow | taken; a report of the delay after some seconds, of the failure after some more |
| any other | refused: 550 5.1.2, so that nothing can leave the machine |
"""

import mailbox
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from email.message import Message
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.certificate import made_certificate

PROGRAMS: Final = ("postfix", "dovecot", "postgrey")
GREY_SECONDS: Final = 4
# Of the postmaster's queue: how long until a mail is reported as delayed, and as failed.
DELAYED, GIVEN_UP = 4, 10
_PATIENCE: Final = 60.0
_SERVICES: Final = """\
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n -  0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n -  - trivial-rewrite
bounce    unix  - - n -  0 bounce
defer     unix  - - n -  0 bounce
trace     unix  - - n -  0 bounce
verify    unix  - - n -  1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n -  - proxymap
smtp      unix  - - n -  - smtp
relay     unix  - - n -  - smtp
showq     unix  n - n -  - showq
error     unix  - - n -  - error
retry     unix  - - n -  - error
discard   unix  - - n -  - discard
local     unix  - n n -  - local
virtual   unix  - n n -  - virtual
lmtp      unix  - - n -  - lmtp
anvil     unix  - - n -  1 anvil
scache    unix  - - n -  1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


def missing() -> str:
    """Why this world cannot be made here; empty where it can."""
    if absent := [one for one in PROGRAMS if _program(one) is None]:
        return f"not installed here: {', '.join(absent)}"
    if os.getuid() != 0:
        return "Postfix starts only for root"
    return ""


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin")


class Ports(NamedTuple):
    """Free ports, one a listener."""

    smtp: int
    submission: int  # STARTTLS and a login, or nothing goes
    smtps: int  # the same, TLS from the first byte
    far: int
    imap: int
    imaps: int
    grey: int
    lmtp: int


def _free(count: int) -> list[int]:
    with _sockets(count) as sockets:
        return [one.getsockname()[1] for one in sockets]


@contextmanager
def _sockets(count: int) -> Iterator[list[socket.socket]]:
    made = [socket.socket() for _ in range(count)]
    try:
        for one in made:
            one.bind(("127.0.0.1", 0))
        yield made
    finally:
        for one in made:
            one.close()


class PostfixWorld:
    """The world while it runs."""

    user = "b@bounces.example.com"
    password = "secret"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = Ports(*_free(len(Ports._fields)))
        self.certificate = folder / "tls.pem"
        self._grey: subprocess.Popen[bytes] | None = None

    # --- what it knows -----------------------------------------------------------------------

    @property
    def log(self) -> str:
        """What the mail server wrote down."""
        return (self.folder / "mail.log").read_text(encoding="utf-8", errors="replace")

    def maildir(self, address: str) -> Path:
        box, _, domain = address.rpartition("@")
        return self.folder / "mail" / domain / box.partition("+")[0]

    def mails(self, address: str) -> "list[Message[Any, Any]]":
        """What lies in the mailbox of an address, not counting its folders."""
        folder = self.maildir(address)
        if not folder.is_dir():
            return []
        return list(mailbox.Maildir(folder, create=False))

    # --- life --------------------------------------------------------------------------------

    def start(self) -> None:
        made_certificate(self.certificate)
        self._write_dovecot()
        self._write_postfix()
        _run("dovecot", "-c", str(self.folder / "dovecot.conf"))
        _run("postfix", "-c", str(self.folder / "etc"), "start")
        grey = self.folder / "grey"
        grey.mkdir()
        shutil.chown(grey, "nobody", "nogroup")
        self._grey = subprocess.Popen(
            [
                str(_program("postgrey")), f"--inet=127.0.0.1:{self.ports.grey}",
                f"--delay={GREY_SECONDS}", f"--dbdir={grey}", "--user=nobody", "--group=nogroup",
                "--whitelist-clients=/dev/null", "--whitelist-recipients=/dev/null",
            ],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for port in (self.ports.smtp, self.ports.far, self.ports.imap, self.ports.grey):
            _wait_for(port)

    def stop(self) -> None:
        with suppress(AssertionError):
            _run("postfix", "-c", str(self.folder / "etc"), "stop")
        master = self.folder / "run" / "master.pid"
        with suppress(OSError, ValueError):
            _end(int(master.read_text()))
        if self._grey is not None:
            self._grey.terminate()
            self._grey.wait(_PATIENCE)

    def _write_postfix(self) -> None:
        etc, spool, data = (self.folder / one for one in ("etc", "spool", "data"))
        for one in (etc, spool, data):
            one.mkdir()
        shutil.chown(data, "postfix", "postfix")
        (etc / "main.cf").write_text(self._main(), encoding="utf-8")
        (etc / "master.cf").write_text(self._master(), encoding="utf-8")

    def _main(self) -> str:
        at, ports = self.folder, self.ports
        return f"""\
compatibility_level = 3.6
queue_directory = {at}/spool
data_directory = {at}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
maillog_file = {at}/mail.log
maillog_file_prefixes = {at}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.test
mydestination =
mynetworks = 127.0.0.0/8
smtp_dns_support_level = disabled
smtp_host_lookup = native
default_transport = error:5.1.2 no such domain in this test world
relay_transport = error:5.1.2 no such domain in this test world
recipient_delimiter = +
virtual_mailbox_domains = ok.example.com, bounces.example.com, grey.example.com, door.example.com
virtual_mailbox_maps = inline:{{ {{@ok.example.com=x}} {{@bounces.example.com=x}}
  {{@grey.example.com=x}} {{@door.example.com=x}} }}
virtual_transport = lmtp:unix:{at}/dovecot/lmtp
relay_domains = inline:{{ bounce.example.com=x full.example.com=x slow.example.com=x }}
transport_maps = inline:{{ {{bounce.example.com = smtp:[127.0.0.1]:{ports.far}}}
  {{full.example.com = smtp:[127.0.0.1]:{ports.far}}}
  {{slow.example.com = smtp:[127.0.0.1]:{ports.far}}}
  {{door.example.com = lmtp:inet:127.0.0.1:{ports.lmtp}}} }}
smtpd_recipient_restrictions =
  check_recipient_access inline:{{ {{reject.example.com = 550 5.1.1 user unknown}}
    {{blocked.example.com = 554 5.7.1 refused by policy}}
    {{defer.example.com = 451 4.3.2 try again later}} {{busy.example.com = 452 4.2.2 mailbox full}}
    {{grey.example.com = grey}} }}
  permit_mynetworks, reject
smtpd_restriction_classes = grey
grey = check_policy_service inet:127.0.0.1:{ports.grey}
smtpd_relay_restrictions = permit_mynetworks, reject
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
maximal_queue_lifetime = {GIVEN_UP}s
bounce_queue_lifetime = {GIVEN_UP}s
delay_warning_time = {DELAYED}s
smtpd_tls_cert_file = {self.certificate}
smtpd_tls_key_file = {self.certificate}
smtpd_tls_security_level = may
smtpd_sasl_type = dovecot
smtpd_sasl_path = {at}/dovecot/auth
message_size_limit = 1048576
"""

    def _master(self) -> str:
        answers = (
            "{bounce.example.com = 550 5.1.1 no such user}"
            " {full.example.com = 552 5.2.2 over quota} {slow.example.com = 450 4.2.1 busy}"
        )
        signed_in = (
            "  -o smtpd_sasl_auth_enable=yes\n"
            "  -o smtpd_client_restrictions=permit_sasl_authenticated,reject\n"
        )
        return (
            f"{_SERVICES}127.0.0.1:{self.ports.smtp} inet n - n - - smtpd\n"
            f"127.0.0.1:{self.ports.submission} inet n - n - - smtpd\n"
            f"  -o smtpd_tls_security_level=encrypt\n{signed_in}"
            f"127.0.0.1:{self.ports.smtps} inet n - n - - smtpd\n"
            f"  -o smtpd_tls_wrappermode=yes\n{signed_in}"
            f"127.0.0.1:{self.ports.far} inet n - n - - smtpd\n"
            "  -o myhostname=far.test\n"
            f"  -o {{ smtpd_recipient_restrictions = check_recipient_access inline:{{ {answers} }},"
            " reject }\n"
            "  -o smtpd_relay_restrictions=permit\n"
        )

    def _write_dovecot(self) -> None:
        at, ports = self.folder, self.ports
        mail, sockets = at / "mail", at / "dovecot"
        owner = pwd.getpwnam("mail")  # a system user of every Debian
        for one in (mail, sockets):
            one.mkdir()
        os.chown(mail, owner.pw_uid, owner.pw_gid)
        (at / "dovecot.conf").write_text(
            f"""\
base_dir = {at}/run
log_path = {at}/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
ssl = yes
ssl_cert = <{self.certificate}
ssl_key = <{self.certificate}
disable_plaintext_auth = no
auth_mechanisms = plain login
mail_location = maildir:{mail}/%d/%n
recipient_delimiter = +
first_valid_uid = 1
passdb {{
  driver = static
  args = password={self.password}
}}
userdb {{
  driver = static
  args = uid={owner.pw_uid} gid={owner.pw_gid} home={mail}/%d/%n allow_all_users=yes
}}
service imap-login {{
  inet_listener imap {{
    port = {ports.imap}
  }}
  inet_listener imaps {{
    port = {ports.imaps}
    ssl = yes
  }}
}}
service lmtp {{
  unix_listener {sockets}/lmtp {{
    mode = 0666
  }}
}}
service auth {{
  unix_listener {sockets}/auth {{
    mode = 0666
  }}
}}
""",
            encoding="utf-8",
        )


@contextmanager
def postfix_world() -> Iterator[PostfixWorld]:
    """The world in a folder of its own: the names of its sockets must be short, so the folder is
    not below pytest's."""
    folder = Path(tempfile.mkdtemp(prefix="mail-world-", dir="/tmp"))
    folder.chmod(0o755)
    world = PostfixWorld(folder)
    try:
        world.start()
        yield world
    finally:
        world.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _run(name: str, *words: str) -> None:
    """Run a program that may leave a daemon behind, which would keep a pipe open."""
    with tempfile.TemporaryFile() as said:
        done = subprocess.run(
            [str(_program(name)), *words], stdout=said, stderr=said, stdin=subprocess.DEVNULL,
            timeout=30, check=False,
        )  # fmt: skip
        said.seek(0)
        assert done.returncode == 0, f"{name}: {said.read().decode(errors='replace')}"


def _wait_for(port: int) -> None:
    end = time.monotonic() + _PATIENCE
    while True:
        with closing(socket.socket()) as knock:
            if knock.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert time.monotonic() < end, f"nobody listens on port {port}"
        time.sleep(0.05)


def _end(pid: int) -> None:
    os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + _PATIENCE
    while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
        time.sleep(0.05)
