# SPDX-License-Identifier: MIT
"""HTTP as tests need it: ordinary requests, and bytes on a bare socket."""
import http.client
import json
import socket
import struct
from urllib.parse import urlsplit

from support.program import PATIENCE


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body)


def request(url, method="GET", path="/", body=None, headers=None):
    """One request on a connection of its own. Does not follow, retry or encode anything."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)
    try:
        connection.request(method, path, body, headers or {})
        return Answer(connection.getresponse())
    finally:
        connection.close()


def post_form(url, body, **headers):
    return request(url, "POST", "/send_notification/", body,
                   {"Content-Type": "application/x-www-form-urlencoded", **headers})


def post_json(url, body, **headers):
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return request(url, "POST", "/send_notification/", text, {"Content-Type": "application/json", **headers})


def stats(url):
    return request(url, path="/stats").json()


def is_balanced(counters):
    """Whether a layer's books balance."""
    dropped = sum(counters["dropped"].values())
    return counters["offered"] == counters["delivered"] + counters["queued"] + dropped


def connect(url):
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE)


def reset(sock):
    """Vanishes with a RST instead of a FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def read_until(sock, end):
    """Bytes up to and including `end`; fewer when the peer ended."""
    data = b""
    while end not in data:
        piece = sock.recv(65536)
        if not piece:
            break
        data += piece
    return data


def read_answer(sock, data=b""):
    """One answer with a Content-Length, as (status, body, what followed); `data` is what came before."""
    while b"\r\n\r\n" not in data:
        data += sock.recv(65536) or b"\r\n\r\n"
    head, _, data = data.partition(b"\r\n\r\n")
    headers = dict(line.lower().split(b": ") for line in head.split(b"\r\n")[1:])
    length = int(headers[b"content-length"])
    while len(data) < length:
        data += sock.recv(65536) or bytes(length)
    return int(head.split()[1]), data[:length], data[length:]


def handshake(url, path, *lines):
    """The bytes of a WebSocket's request."""
    return "\r\n".join([f"GET {path} HTTP/1.1", f"Host: {urlsplit(url).netloc}", "Upgrade: websocket",
                        "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", *lines, "", ""]).encode()


def text_frame(text):
    """A masked text frame of up to 125 bytes, with the mask 0."""
    payload = text.encode()
    return bytes([0x81, 0x80 | len(payload), 0, 0, 0, 0]) + payload


CLOSE_FRAME = bytes([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8])
