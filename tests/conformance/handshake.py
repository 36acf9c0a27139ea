# SPDX-License-Identifier: MIT
"""RFC 6455 section 4 by case: what must be refused, and how; what must be let pass."""
import base64
import hashlib
import time

from peer import TEXT, Gone, Peer, Silence, frame, key, request
from runner import case, ends

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def answer(port, data, slowly=False, timeout=5.0):
    """Status and headers that the server answers these bytes with, and the peer."""
    p = Peer(port, handshake=False, timeout=timeout)
    try:
        p.slowly(data) if slowly else p.raw(data)
    except Gone:
        pass
    p.read_head()
    return p


def refused(port, data, status, header=None):
    statuses = status if isinstance(status, tuple) else (status,)
    for slowly in (False, True) if len(data) < 2000 else (False,):
        with answer(port, data, slowly) as p:
            assert p.status in statuses, f"answered {p.status}, not {status}"
            if header:
                assert header[1].lower() in p.headers.get(header[0], "").lower(), f"{header[0]}: {p.headers.get(header[0])}"
            assert "sec-websocket-accept" not in p.headers
            ended(p)


def ended(p):
    try:
        while True:
            p.fill(time.monotonic() + 3)
    except Gone:
        return
    except Silence as error:
        raise AssertionError("the server did not end the connection") from error


def accepted(port, data, slowly=False):
    with answer(port, data, slowly) as p:
        assert p.status == 101, f"answered {p.status}"
        p.send(TEXT, b"hello")
        assert p.read() == (TEXT, b"hello")
        ends(p)


@case("8.1.1", "the answer proves the key was read")
def accept_key(port):
    nonce = key()
    with answer(port, request(replace={"Sec-WebSocket-Key": nonce})) as p:
        expected = base64.b64encode(hashlib.sha1((nonce + GUID).encode()).digest()).decode()
        assert p.status == 101
        assert p.headers["sec-websocket-accept"] == expected
        assert p.headers["upgrade"].lower() == "websocket"
        assert "upgrade" in p.headers["connection"].lower()
        assert "sec-websocket-protocol" not in p.headers


@case("8.1.2", "the request may come one byte at a time")
def slow_request(port):
    accepted(port, request(), slowly=True)


GOOD = {
    "letter case of names and tokens": request(drop=("Upgrade", "Connection"), headers=[("uPGRADE", "WebSocket"), ("cONNECTION", "uPgRaDe")]),
    "a list in Connection": request(replace={"Connection": "keep-alive, Upgrade"}),
    "two Connection headers": request(headers=[("Connection", "keep-alive")]),
    "a list in Upgrade": request(replace={"Upgrade": "foo/1, websocket"}),
    "no space behind the colon": request().replace(b": ", b":"),
    "spaces around values": request(replace={"Connection": " \t Upgrade \t "}),
    "headers nobody knows": request(headers=[("X-Anything", "a" * 500), ("Cookie", "a=b; c=d")]),
    "an empty header": request(headers=[("X-Empty", "")]),
    "a query": request(path="/?token=1"),
    "the absolute form of the target": request(path="http://127.0.0.1/"),
    "extensions nobody knows": request(headers=[("Sec-WebSocket-Extensions", "x-foo; a=1, x-bar")]),
    "extensions with empty elements": request(headers=[("Sec-WebSocket-Extensions", ", x-foo,\t, x-bar; b=\"c\\d\" ;e,")]),
    "extensions in two lines, one of them empty": request(headers=[("Sec-WebSocket-Extensions", "x-foo"), ("Sec-WebSocket-Extensions", "")]),
    "Content-Length of 0": request(headers=[("Content-Length", "0")]),
    "the same origin": request(replace={"Host": "example.com"}, headers=[("Origin", "http://example.com")]),
}
for number, (name, data) in enumerate(GOOD.items(), 1):
    @case(f"8.2.{number}", f"accepted: {name}")
    def good(port, data=data):
        accepted(port, data)


@case("8.3.1", "frames right behind the request are read")
def pipelined(port):
    with Peer(port, early=frame(TEXT, b"early") + frame(TEXT, b"bird")) as p:
        assert p.read() == (TEXT, b"early")
        assert p.read() == (TEXT, b"bird")
        ends(p)


@case("8.3.2", "request and frames in one stream, byte by byte")
def pipelined_slowly(port):
    p = Peer(port, handshake=False)
    with p:
        p.slowly(request() + frame(TEXT, b"early"))
        assert p.read_head() == 101
        assert p.read() == (TEXT, b"early")
        ends(p)


BAD = {
    "POST": (request(method="POST"), 405, ("allow", "GET")),
    "HEAD": (request(method="HEAD"), 405, ("allow", "GET")),
    "a method in lower case": (request(method="get"), (400, 405)),
    "HTTP/1.0": (request(version="HTTP/1.0"), (400, 426, 505)),
    "HTTP/2.0": (request(version="HTTP/2.0"), (400, 505)),
    "no version": (request(version=""), 400),
    "HTTP in lower case": (request(version="http/1.1"), 400),
    "no Host": (request(drop=("Host",)), 400),
    "two Hosts": (request(headers=[("Host", "other")]), 400),
    "no Upgrade": (request(drop=("Upgrade",)), 426, ("upgrade", "websocket")),
    "another Upgrade": (request(replace={"Upgrade": "h2c"}), 426, ("upgrade", "websocket")),
    "websocket as part of a token": (request(replace={"Upgrade": "websockets"}), 426),
    "no Connection": (request(drop=("Connection",)), (400, 426)),
    "Connection without upgrade": (request(replace={"Connection": "keep-alive"}), (400, 426)),
    "no key": (request(drop=("Sec-WebSocket-Key",)), 400),
    "two keys": (request(headers=[("Sec-WebSocket-Key", key())]), 400),
    "a key of 15 bytes": (request(replace={"Sec-WebSocket-Key": base64.b64encode(b"x" * 15).decode()}), 400),
    "a key of 17 bytes": (request(replace={"Sec-WebSocket-Key": base64.b64encode(b"x" * 17).decode()}), 400),
    "a key that is not base64": (request(replace={"Sec-WebSocket-Key": "!!!!!!!!!!!!!!!!!!!!!!=="}), 400),
    "an empty key": (request(replace={"Sec-WebSocket-Key": ""}), 400),
    "no WebSocket version": (request(drop=("Sec-WebSocket-Version",)), 426, ("sec-websocket-version", "13")),
    "WebSocket version 8": (request(replace={"Sec-WebSocket-Version": "8"}), 426, ("sec-websocket-version", "13")),
    "WebSocket version 14": (request(replace={"Sec-WebSocket-Version": "14"}), 426, ("sec-websocket-version", "13")),
    "WebSocket version 13x": (request(replace={"Sec-WebSocket-Version": "13x"}), (400, 426)),
    "two versions": (request(headers=[("Sec-WebSocket-Version", "8")]), (400, 426)),
    "a body by length": (request(headers=[("Content-Length", "5")]) + b"hello", 400),
    "a body in chunks": (request(headers=[("Transfer-Encoding", "chunked")]), 400),
    "a length that is no number": (request(headers=[("Content-Length", "x")]), 400),
    "a folded header": (request().replace(b"\r\nUpgrade", b"\r\nX-Folded: a\r\n b\r\nUpgrade"), 400),
    "a first line that begins with a space": (b" " + request(), 400),
    "a bare LF": (request().replace(b"\r\nUpgrade", b"\nUpgrade"), 400),
    "a bare CR": (request(headers=[("X-Bare", "a\rb")]), 400),
    "a NUL in a value": (request(headers=[("X-Nul", "a\0b")]), 400),
    "a NUL in a name": (request(headers=[("X-N\0l", "a")]), 400),
    "a space before the colon": (request().replace(b"Upgrade:", b"Upgrade :"), 400),
    "a line without a colon": (request().replace(b"\r\nUpgrade", b"\r\nnonsense\r\nUpgrade"), 400),
    "an empty name": (request(headers=[("", "x")]), 400),
    "a control character in a value": (request(headers=[("X-Bell", "\x07")]), 400),
    "a target without a slash": (request(path="nowhere"), 400),
    "an asterisk": (request(path="*"), 400),
    "a fragment": (request(path="/#here"), 400),
    "a bad escape": (request(path="/%zz"), 400),
    "an escaped NUL": (request(path="/%00"), 400),
    "a path that is not UTF-8": (request(path="/%ff"), 400),
    "a path without a route": (request(path="/nowhere"), 404),
    "a duplicate subprotocol": (request(headers=[("Sec-WebSocket-Protocol", "chat, chat")]), 400),
    "a malformed subprotocol list": (request(headers=[("Sec-WebSocket-Protocol", "chat,,;")]), 400),
    **{f"extensions that are {value!r}": (request(headers=[("Sec-WebSocket-Extensions", value)]), 400) for value in [
        "", ",,", ";", "a;", "a; ;b", "a; =1", "a; b=", 'a; b=""', 'a; b="c', 'a; b="c d"', "a b", "a/b", "a; b=c=d", "x, a; b c",
        "permessage-deflate; client_max_window_bits=", "permessage-deflate, ;"]},
    "extensions whose second line is malformed": (request(headers=[("Sec-WebSocket-Extensions", "permessage-deflate"),
                                                                   ("Sec-WebSocket-Extensions", "=")]), 400),
    "another origin": (request(headers=[("Origin", "http://evil.example")]), 403),
    "the null origin": (request(headers=[("Origin", "null")]), 403),
    "an origin that only ends alike": (request(replace={"Host": "example.com"}, headers=[("Origin", "http://notexample.com")]), 403),
    "TLS to a server": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 50 + b"\r\n\r\n", 400),
    "HTTP/2's preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 405, 505)),
}
for number, (name, (data, status, *header)) in enumerate(BAD.items(), 1):
    @case(f"8.4.{number}", f"refused: {name}")
    def bad(port, data=data, status=status, header=header):
        refused(port, data, status, header[0] if header else None)


@case("8.5.1", "a target that is too long")
def long_target(port):
    refused(port, request(path="/" + "a" * 70000), (414, 431))


@case("8.5.2", "a header that is too long")
def long_header(port):
    refused(port, request(headers=[("X-Long", "a" * 70000)]), 431)


@case("8.5.3", "too many headers")
def many_headers(port):
    refused(port, request(headers=[(f"X-{i}", "a") for i in range(101)]), 431)


@case("8.5.4", "a head that never ends")
def endless_head(port):
    refused(port, b"GET / HTTP/1.1\r\n" + b"X-Header: value\r\n" * 20000, 431)


@case("8.5.5", "what follows a refusal is not processed")
def after_refusal(port):
    data = request(replace={"Sec-WebSocket-Version": "8"}) + frame(TEXT, b"smuggled") + request()
    with answer(port, data) as p:
        assert p.status == 426
        ended(p)
        assert b"smuggled" not in bytes(p.buffer) and b"101" not in bytes(p.buffer)


@case("8.5.6", "the end of the stream inside the head")
def eof_in_head(port):
    for at in (1, 10, 60):
        with Peer(port, handshake=False) as p:
            p.raw(request()[:at])
            p.sock.shutdown(1)
            try:
                p.read_head()
                assert p.status in (400, 408)
            except Gone:
                pass
