# SPDX-License-Identifier: MIT
"""What tests with real network faults share: servers with an eye on their descriptors and memory, and peers on bare sockets."""
import os
import socket
import time

from support import http
from support.program import INSTRUMENT, Failure, Program, until

SECONDS = int(os.environ.get("FAULT_SECONDS") or 60)

# A fault is repeated until a server has no more memory afterwards than before, but for so many kilobytes: allocators keep
# some for later use, but not every time. What leaks a little each time never passes.
MEMORY_SLACK_KB = 128
ROUNDS = 6

# examples/echo takes its port from the command line.
SERVERS = {
    "echo": ("/", ("sh", "-c", 'exec "$0" 0')),
    "chat": ("/ws/chat/faults/", ()),
}


class Server(Program):
    """An example under fault."""

    def __init__(self, name, **environment):
        self.path, wrap = SERVERS[name]
        super().__init__(name, wrap=wrap, **environment)
        self.http_url = f"http://127.0.0.1:{self.port}"

    def connect(self, **options):
        """A socket behind the handshake."""
        sock = self.connect_bare(**options)
        sock.sendall(http.handshake(self.http_url, self.path))
        if b" 101 " not in http.read_until(sock, b"\r\n\r\n"):
            raise Failure(f"{self.name} does not accept a connection")
        return sock

    def connect_bare(self, receive_buffer=0):
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(self.patience)
        sock.connect(("127.0.0.1", self.port))
        return sock

    def must_answer(self, text="still there?"):
        """A fresh connection gets its text back."""
        with self.connect() as sock:
            sock.sendall(http.text_frame(text))
            until_contains(sock, text.encode())
            sock.sendall(http.CLOSE_FRAME)
            while sock.recv(4096):
                pass

    def must_return_to(self, descriptors):
        until(lambda: self.descriptors() == descriptors, f"{self.name} has {descriptors} descriptors again")

    def must_bear(self, fault):
        """Whatever `fault` does to the server, it is as before afterwards."""
        self.must_answer()
        descriptors = self.descriptors()
        memory = []
        while len(memory) < 2 or memory[-1] > memory[-2] + MEMORY_SLACK_KB:
            if len(memory) == ROUNDS:
                raise Failure(f"{self.name} needs more and more memory: {memory} kB")
            fault(self)
            self.must_return_to(descriptors)
            self.must_answer()
            memory.append(0 if INSTRUMENT else self.memory_kb())


def until_contains(sock, text):
    data = b""
    while text not in data:
        piece = sock.recv(65536)
        if not piece:
            raise Failure(f"the connection ended before {text!r}")
        data += piece
    return data


def big_frame(size, opcode=0x81):
    """The bytes of a masked frame with `size` letters, more than 125, the mask 0."""
    length = b"\xfe" + size.to_bytes(2, "big") if size < 65536 else b"\xff" + size.to_bytes(8, "big")
    return bytes([opcode]) + length + bytes(4) + b"x" * size


def in_good_time(start, count, per_minute):
    """Sleeps until it is time for number `count` of something that happens so often since `start`."""
    left = start + count * 60 / per_minute - time.monotonic()
    if left > 0:
        time.sleep(left)
