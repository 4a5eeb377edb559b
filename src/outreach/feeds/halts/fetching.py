"""One request for a halt feed over HTTP: a time limit, a size limit, and no way to elsewhere."""

import http.client
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, Final, NamedTuple
from urllib.parse import urlsplit

_CHUNK: Final = 64 << 10  # bytes looked at between two looks at the limits
_LONGEST: Final = 12  # an answer may take so many times the time limit of its first byte
_AGAIN: Final = frozenset({408, 425, 429})  # besides 5xx: the same request may go through later
_AGENT: Final = "outreach (halt feeds)"


class FetchProblem(Exception):
    """Nothing was taken; the message is one sentence without an address or a secret. `passing`:
    the same request may go through later."""

    def __init__(self, sentence: str, *, passing: bool = False) -> None:
        super().__init__(sentence)
        self.passing = passing


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked, and what the answer may cost. `url` and `headers` may hold secrets."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float = 10.0  # seconds until the answer begins, and between two pieces of it
    limit: int = 8 << 20  # bytes
    ca_file: str | None = None
    etag: str = ""  # of what is known already
    last_modified: str = ""


class Answer(NamedTuple):
    """`content` is None when nothing has changed since what is known."""

    content: bytes | None
    etag: str = ""
    last_modified: str = ""


def fetch(request: Request, monotonic: Callable[[], float] = time.monotonic) -> Answer:
    """Ask once. Raises FetchProblem: for a certificate that is not valid, another scheme or host
    than the one written down, an answer that is late, too large or breaks off, a refusal."""
    asked = urllib.request.Request(request.url, headers=_headers(request))  # noqa: S310 - see check
    if urlsplit(request.url).scheme not in ("https", "http"):
        raise FetchProblem("only https and http addresses are fetched")
    opener = urllib.request.build_opener(
        urllib.request.HTTPSHandler(context=_trust(request.ca_file)), _StaysThere()
    )
    began = monotonic()
    try:
        with opener.open(asked, timeout=request.timeout) as response:
            content = _content(response, request, lambda: monotonic() - began)
            return Answer(
                content,
                response.headers.get("ETag", ""),
                response.headers.get("Last-Modified", ""),
            )
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 304:
            return Answer(None, request.etag, request.last_modified)
        again = error.code >= 500 or error.code in _AGAIN
        raise FetchProblem(f"the server answers {error.code}", passing=again) from None
    except urllib.error.URLError as error:
        raise _unreached(error.reason, request) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _unreached(error, request) from None


def _headers(request: Request) -> dict[str, str]:
    headers = {"User-Agent": _AGENT, "Accept-Encoding": "identity", **request.headers}
    if request.etag:
        headers["If-None-Match"] = request.etag
    if request.last_modified:
        headers["If-Modified-Since"] = request.last_modified
    return headers


def _trust(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise FetchProblem(
            f"ca_file {ca_file} cannot be read ({error.strerror or error})"
        ) from None


class _StaysThere(urllib.request.HTTPRedirectHandler):
    """Follows redirects within one scheme and host: whoever is asked was written down by a
    person, and a Referer or a key is meant for no other."""

    max_redirections = 3

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any,
        newurl: str,
    ) -> urllib.request.Request | None:  # fmt: skip
        here, there = urlsplit(req.full_url), urlsplit(newurl)
        if (here.scheme, here.netloc) != (there.scheme, there.netloc):
            fp.close()
            raise FetchProblem(
                f"the server sends on to {there.scheme}://{there.hostname or ''};"
                " if that is right, write it as the address"
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _unreached(reason: object, request: Request) -> FetchProblem:
    """Why there is no answer, in words of ours: those of the library may hold the address."""
    match reason:
        case ssl.SSLCertVerificationError():
            said = getattr(reason, "verify_message", "") or "not valid"
            return FetchProblem(f"the certificate of the server is refused: {said}")
        case TimeoutError():
            late = f"the server did not answer within {request.timeout:g} seconds"
            return FetchProblem(late, passing=True)
        case http.client.IncompleteRead():
            return FetchProblem("the answer breaks off", passing=True)
        case http.client.InvalidURL() | ValueError():
            return FetchProblem("the address or a header cannot be sent as it is written")
        case OSError() if reason.strerror:
            return FetchProblem(f"the server cannot be reached ({reason.strerror})", passing=True)
    kind = type(reason).__name__
    return FetchProblem(f"the server cannot be reached ({kind})", passing=True)


def _content(response: Any, request: Request, elapsed: Callable[[], float]) -> bytes:
    """The answer, read piece by piece so that no limit is passed by more than a piece."""
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding.lower() != "identity":
        raise FetchProblem(f"the answer is packed ({encoding}), though it was asked for as it is")
    too_large = FetchProblem(f"the answer is larger than {request.limit >> 20} MB (max_mb)")
    stated = response.headers.get("Content-Length", "")
    if stated.isdigit() and int(stated) > request.limit:
        raise too_large
    pieces: list[bytes] = []
    size = 0
    while piece := response.read1(_CHUNK):
        size += len(piece)
        if size > request.limit:
            raise too_large
        if elapsed() > request.timeout * _LONGEST:
            raise FetchProblem("the answer comes too slowly", passing=True)
        pieces.append(piece)
    if response.length:  # bytes that were announced and did not come
        raise FetchProblem("the answer breaks off", passing=True)
    return b"".join(pieces)
