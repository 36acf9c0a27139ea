# SPDX-License-Identifier: MIT
"""A WebSocket peer on a raw socket, for saying exactly what a case wants said. Python's standard library only."""
import base64
import os
import socket
import struct
import time

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


class Gone(Exception):
    """The server has ended the connection."""


class Silence(Exception):
    """The server said nothing within the time limit."""


def mask(key, payload):
    if not payload:
        return b""
    whole = (key * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(whole, "little")).to_bytes(len(payload), "little")


def frame(opcode, payload=b"", fin=True, rsv=0, masked=True, key=None, length=None):
    """A client's frame. `length` forces a form of the length field: 7, 16 or 64 bits."""
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    size = len(payload)
    bits = length or (7 if size < 126 else 16 if size < 65536 else 64)
    flag = 0x80 if masked else 0
    if bits == 7:
        head = struct.pack("!BB", first, flag | size)
    elif bits == 16:
        head = struct.pack("!BBH", first, flag | 126, size)
    else:
        head = struct.pack("!BBQ", first, flag | 127, size)
    if not masked:
        return head + payload
    key = key if key is not None else os.urandom(4)
    return head + key + mask(key, payload)


def close_payload(code=None, reason=b""):
    return b"" if code is None else struct.pack("!H", code) + reason


class Peer:
    """One connection. Reads are buffered and have a deadline each."""

    def __init__(self, port, timeout=5.0, path="/", headers=(), handshake=True, early=b""):
        self.timeout = timeout
        self.sock = socket.create_connection(("127.0.0.1", port), timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()
        self.headers = {}
        self.status = None
        if handshake:
            self.raw(request(path=path, headers=headers) + early)
            self.read_head()
            if self.status != 101:
                raise Gone(f"handshake answered {self.status}")

    # -- bytes

    def raw(self, data):
        try:
            self.sock.sendall(data)
        except OSError as error:
            raise Gone(str(error)) from error

    def slowly(self, data, step=1):
        for at in range(0, len(data), step):
            self.raw(data[at:at + step])

    def fill(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0:
            raise Silence()
        self.sock.settimeout(left)
        try:
            data = self.sock.recv(262144)
        except socket.timeout as error:
            raise Silence() from error
        except OSError as error:
            raise Gone(str(error)) from error
        if not data:
            raise Gone("end of stream")
        self.buffer += data

    def take(self, n, deadline):
        while len(self.buffer) < n:
            self.fill(deadline)
        data = bytes(self.buffer[:n])
        del self.buffer[:n]
        return data

    def read_head(self):
        deadline = time.monotonic() + self.timeout
        while b"\r\n\r\n" not in self.buffer:
            self.fill(deadline)
        head, _, rest = bytes(self.buffer).partition(b"\r\n\r\n")
        self.buffer = bytearray(rest)
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split()[1])
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers[name.strip().lower()] = value.strip()
        return self.status

    # -- frames

    def send(self, opcode, payload=b"", **how):
        self.raw(frame(opcode, payload, **how))

    def read_frame(self, timeout=None):
        """(fin, rsv, opcode, payload); a masked frame is a fault of the server's."""
        deadline = time.monotonic() + (timeout or self.timeout)
        first, second = self.take(2, deadline)
        size = second & 0x7F
        if size == 126:
            size, = struct.unpack("!H", self.take(2, deadline))
            assert size >= 126, "length not in its shortest form"
        elif size == 127:
            size, = struct.unpack("!Q", self.take(8, deadline))
            assert size >= 65536, "length not in its shortest form"
        assert not second & 0x80, "the server masked a frame"
        return bool(first & 0x80), first >> 4 & 7, first & 15, self.take(size, deadline)

    def read(self, timeout=None):
        """The next whole message or control frame: (opcode, payload)."""
        parts, kind = [], None
        while True:
            fin, rsv, opcode, payload = self.read_frame(timeout)
            if opcode >= 8:
                return opcode, payload
            if opcode != CONTINUATION:
                kind = opcode
            assert rsv == 0, "reserved bits that were not agreed"
            parts.append(payload)
            if fin:
                return kind, b"".join(parts)

    def finish(self):
        """We send no more."""
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def key():
    return base64.b64encode(os.urandom(16)).decode()


def request(path="/", headers=(), method="GET", version="HTTP/1.1", replace=None, drop=()):
    """A good handshake, with `headers` added, `drop`ped, or `replace`d by name."""
    lines = {
        "Host": "127.0.0.1",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": key(),
        "Sec-WebSocket-Version": "13",
    }
    lines.update(replace or {})
    text = f"{method} {path} {version}\r\n"
    text += "".join(f"{name}: {value}\r\n" for name, value in lines.items() if name not in drop)
    text += "".join(f"{name}: {value}\r\n" for name, value in headers)
    return (text + "\r\n").encode("latin-1")
