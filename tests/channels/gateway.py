"""A stand-in for SMS gateways: it checks every signature by code of its own, renders approved
templates itself, answers as it is told, and lists what it took."""

import hashlib
import hmac
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

ACCOUNT: Final = "AKIDtest"
SECRET: Final = "s3cret/+="
BAD: Final = {
    "aliyun": "SignatureDoesNotMatch",
    "tencent": "AuthFailure.SignatureFailure",
    "direct": "2",
}


class Taken(NamedTuple):
    """A text the gateway took for a number, as the client will read it."""

    number: str
    text: str
    mark: str


class Asked(NamedTuple):
    action: str
    query: dict[str, str]
    fields: dict[str, Any]

    @property
    def numbers(self) -> list[str]:
        found = self.fields.get("PhoneNumberJson") or self.fields.get("PhoneNumberSet")
        if isinstance(found, str):
            return list(json.loads(found))
        return list(found or str(self.fields.get("mobile", "")).split(","))


# What to do with a request: None for the usual, a code for the whole request, a code a number,
# a status with bytes, or one of: cut, hang, taken_500, taken_cut.
Script = Callable[[Asked], str | dict[str, str] | tuple[int, bytes] | None]


class Gateway(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, kind: str, templates: dict[str, str], script: Script) -> None:
        super().__init__(("127.0.0.1", 0), _Door)
        self.kind, self.templates, self.script = kind, templates, script
        self.taken: list[Taken] = []
        self.asked: list[Asked] = []
        self.signed_wrong: list[str] = []
        self.nonces: set[str] = set()
        self.released = threading.Event()
        self.pulls: dict[str, Any] = {}
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def gateway(
    kind: str, templates: dict[str, str] | None = None, script: Script = lambda _: None
) -> Iterator[Gateway]:
    server = Gateway(kind, templates or {}, script)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Gateway

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"] or 0))
        asked = self._asked(raw)
        wrong = {"aliyun": self._acs3, "tencent": self._tc3, "direct": self._md5}[self.server.kind](
            raw
        )
        with self.server.lock:
            self.server.asked.append(asked)
        if wrong:
            self.server.signed_wrong.append(wrong)
            self._answer(*_whole(self.server.kind, BAD[self.server.kind], wrong))
            return
        if asked.action in self.server.pulls:
            self._answer(200, json.dumps(self.server.pulls[asked.action]).encode())
            return
        self._do(asked, self.server.script(asked))

    def _do(self, asked: Asked, told: Any) -> None:
        if told == "hang":
            self.server.released.wait(5)
            told = "cut"
        if told in ("taken_500", "taken_cut"):
            self._take(asked, asked.numbers)
        if told in ("cut", "taken_cut"):
            self.close_connection = True
        elif told == "taken_500":
            self._answer(500, b"<html>internal error</html>")
        elif isinstance(told, tuple):
            self._answer(*told)
        elif isinstance(told, str):
            self._answer(*_whole(self.server.kind, told, "13812341234 is not well"))
        else:
            refused: dict[str, str] = told or {}
            good = [number for number in asked.numbers if number not in refused]
            self._take(asked, good)
            self._answer(*_each(self.server.kind, asked.numbers, refused))

    def _take(self, asked: Asked, numbers: list[str]) -> None:
        for at, number in enumerate(asked.numbers):
            if number in numbers:
                taken = Taken(number, self._text(asked, at), self._mark(asked))
                with self.server.lock:
                    self.server.taken.append(taken)

    def _text(self, asked: Asked, at: int) -> str:
        """What the client reads: rendered here, from the template as it was approved."""
        fields = asked.fields
        if self.server.kind == "aliyun":
            variables = json.loads(fields["TemplateParamJson"])[at]
            template = self.server.templates[asked.query["TemplateCode"]]
            for name, value in variables.items():
                template = template.replace("${" + name + "}", value)
            return f"【{json.loads(fields['SignNameJson'])[at]}】{template}"
        if self.server.kind == "tencent":
            values = fields.get("TemplateParamSet", [])
            template = self.server.templates[fields["TemplateId"]]
            text = re.sub(r"\{(\d+)\}", lambda found: values[int(found[1]) - 1], template)
            return f"【{fields['SignName']}】{text}"
        return str(fields["content"])

    def _mark(self, asked: Asked) -> str:
        fields = asked.query | asked.fields
        return str(fields.get("OutId") or fields.get("SessionContext") or fields.get("attach"))

    def _asked(self, raw: bytes) -> Asked:
        query = {name: one[0] for name, one in parse_qs(urlsplit(self.path).query).items()}
        if self.headers.get("Content-Type", "").startswith("application/json"):
            fields = json.loads(raw)
        else:
            fields = {name: one[0] for name, one in parse_qs(raw.decode()).items()}
        action = self.headers.get("x-acs-action") or self.headers.get("x-tc-action") or ""
        return Asked(action, query, fields)

    # --- signatures, from the papers of the gateways and nothing else -------------------------

    def _acs3(self, raw: bytes) -> str:
        found = re.fullmatch(
            r"ACS3-HMAC-SHA256 Credential=([^,]+),SignedHeaders=([^,]+),Signature=([0-9a-f]{64})",
            self.headers.get("Authorization", ""),
        )
        if found is None or found[1] != ACCOUNT:
            return "no such authorization"
        names = found[2].split(";")
        needed = {"host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce"}
        if names != sorted(names) or needed - set(names):
            return "signed headers"
        if self.headers["x-acs-content-sha256"] != hashlib.sha256(raw).hexdigest():
            return "content"
        sent_at = datetime.strptime(self.headers["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007
        if abs((datetime.now(UTC) - sent_at.replace(tzinfo=UTC)).total_seconds()) > 900:
            return "InvalidTimeStamp.Expired"
        nonce = self.headers["x-acs-signature-nonce"]
        with self.server.lock:
            if nonce in self.server.nonces:
                return "SignatureNonceUsed"
            self.server.nonces.add(nonce)
        path, _, query = self.path.partition("?")
        pairs = sorted(query.split("&")) if query else []
        for pair in pairs:  # already encoded as RFC 3986 has it?
            if "+" in pair or unquote(pair).count("*") != pair.count("%2A"):
                return "query"
        lines = [self.command, path, "&".join(pairs)]
        lines += [f"{name}:{self.headers[name]}" for name in names]
        lines += ["", found[2], hashlib.sha256(raw).hexdigest()]
        hashed = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        right = hmac.new(SECRET.encode(), b"ACS3-HMAC-SHA256\n" + hashed.encode(), "sha256")
        return "" if right.hexdigest() == found[3] else "signature"

    def _tc3(self, raw: bytes) -> str:
        found = re.fullmatch(
            r"TC3-HMAC-SHA256 Credential=([^/]+)/(\d{4}-\d\d-\d\d)/(\w+)/tc3_request, "
            r"SignedHeaders=([^,]+), Signature=([0-9a-f]{64})",
            self.headers.get("Authorization", ""),
        )
        if found is None or found[1] != ACCOUNT or found[3] != "sms":
            return "no such authorization"
        stamp = self.headers["X-TC-Timestamp"]
        if abs(datetime.now(UTC).timestamp() - int(stamp)) > 300:
            return "AuthFailure.SignatureExpire"
        if datetime.fromtimestamp(int(stamp), UTC).date().isoformat() != found[2]:
            return "day"
        lines = [self.command, *self.path.partition("?")[::2]]
        lines += [f"{name}:{self.headers[name].lower()}" for name in found[4].split(";")]
        lines += ["", found[4], hashlib.sha256(raw).hexdigest()]
        scope = f"{found[2]}/sms/tc3_request"
        canonical = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        key = b"TC3" + SECRET.encode()
        for step in (*scope.split("/"), f"TC3-HMAC-SHA256\n{stamp}\n{scope}\n{canonical}"):
            key = hmac.digest(key, step.encode(), "sha256")
        return "" if key.hex() == found[5] else "signature"

    def _md5(self, raw: bytes) -> str:
        sent = json.loads(raw)
        text = sent["appKey"] + sent["timestamp"] + sent["mobile"] + sent["content"]
        text += sent.get("spNumber", "") + SECRET
        right = hashlib.md5(text.encode()).hexdigest()  # noqa: S324
        return "" if sent["sign"] == right else "signature"

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if 300 <= status < 400:
            self.send_header("Location", f"{self.server.url}/elsewhere")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(OSError):  # whoever asked may be dead by now
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _whole(kind: str, code: str, words: str) -> tuple[int, bytes]:
    if kind == "aliyun":
        status = 400 if not code.startswith(("OK", "is")) else 200
        return status, json.dumps({"Code": code, "Message": words, "RequestId": "r"}).encode()
    if kind == "tencent":
        error = {"Error": {"Code": code, "Message": words}, "RequestId": "r"}
        return 200, json.dumps({"Response": error}).encode()
    return 200, json.dumps({"status": int(code), "message": words}).encode()


def _each(kind: str, numbers: list[str], refused: dict[str, str]) -> tuple[int, bytes]:
    if kind != "tencent" and refused:
        return _whole(kind, next(iter(refused.values())), "no")
    if kind == "aliyun":
        return 200, json.dumps(
            {"Code": "OK", "Message": "OK", "BizId": f"biz^{numbers[0]}"}
        ).encode()
    if kind == "direct":
        return 200, json.dumps({"status": 1, "taskId": 6468846578735812608}).encode()
    entries = [
        {
            "SerialNo": "" if number in refused else f"5000:{number}",
            "PhoneNumber": number,
            "Fee": 0 if number in refused else 1,
            "Code": refused.get(number, "Ok"),
            "Message": "send success",
            "IsoCode": "CN",
        }
        for number in numbers
    ]
    return 200, json.dumps({"Response": {"SendStatusSet": entries, "RequestId": "r"}}).encode()
