# SPDX-License-Identifier: MIT
"""Slow peers: requests that trickle in, peers that never read while others broadcast, and peers that talk and never listen."""
import sys
import time
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support import http  # noqa: E402
from support.faults import SERVERS, Server, big_frame, until_contains  # noqa: E402
from support.program import INSTRUMENT, Failure, until  # noqa: E402

HANDSHAKE_SECONDS = 10
LORISES = 200
LISTENERS = 20
SLEEPERS = 50
LINES = 300
LINE = "x" * 120

# What a connection may hold for a peer that does not read: output_high, one feed more, an incomplete message; and that
# allocators round up.
OUTPUT_KB = 256 + 64 + 64 + 128


class Lorises(unittest.TestCase):
    """A byte a second is not too much, but all of the request has to be there in ten seconds."""

    def test_requests_that_trickle_in_end_at_their_deadline(self):
        for name in SERVERS:
            with self.subTest(server=name), Server(name) as server:
                server.must_answer()
                descriptors = server.descriptors()
                request = http.handshake(server.http_url, server.path)
                start = time.monotonic()
                lorises = [server.connect_bare() for _ in range(LORISES)]
                for second in range(HANDSHAKE_SECONDS - 1):
                    for sock in lorises:
                        sock.sendall(request[second : second + 1])
                    time.sleep(max(0, start + second + 1 - time.monotonic()))
                    asked = time.monotonic()
                    server.must_answer()
                    self.assertLess(time.monotonic() - asked, 1)
                self.assertEqual(descriptors + LORISES, server.descriptors(), "some have ended too early")
                for sock in lorises:
                    self.assertIn(b" 408 ", http.read_until(sock, b"\r\n\r\n"))
                self.assertLess(time.monotonic() - start, HANDSHAKE_SECONDS + 3)
                for sock in lorises:
                    sock.close()
                server.must_return_to(descriptors)


def lines_of(sock, count):
    """The texts of so many lines, which are short."""
    data = b""
    lines = []
    while len(lines) < count:
        piece = sock.recv(65536)
        if not piece:
            raise Failure(f"the connection ended after {len(lines)} lines")
        data += piece
        while len(data) >= 2 and len(data) >= 4 + data[1]:
            extended = data[1] == 126
            begin = 4 if extended else 2
            size = int.from_bytes(data[2:4], "big") if extended else data[1]
            if len(data) < begin + size:
                break
            lines.append(data[begin : begin + size].split(b": ", 1)[1])
            data = data[begin + size :]
    return lines


class NeverReading(unittest.TestCase):
    def broadcast(self, server):
        """Those who read get every line, while others are in the room who never do."""
        sleepers = [server.connect(receive_buffer=4096) for _ in range(SLEEPERS)]
        listeners = [server.connect() for _ in range(LISTENERS)]
        with server.connect() as writer:
            for i in range(LINES):
                writer.sendall(http.text_frame(f"{i} {LINE}"[:120]))
                lines_of(writer, 1)
            for sock in listeners:
                self.assertEqual([str(i).encode() for i in range(LINES)],
                                 [line.split()[0] for line in lines_of(sock, LINES)])
        for sock in sleepers:
            http.reset(sock)
        for sock in listeners:
            sock.close()

    def test_others_are_not_held_up(self):
        with Server("chat") as server:
            server.must_bear(self.broadcast)

    def test_a_peer_that_talks_and_never_listens_is_not_heard_for_ever(self):
        with Server("echo") as server:
            server.must_answer()
            descriptors, before = server.descriptors(), server.memory_kb()
            talkers = [server.connect(receive_buffer=4096) for _ in range(SLEEPERS)]
            for sock in talkers:
                sock.setblocking(False)
            frame = big_frame(60_000)
            said = [0] * SLEEPERS

            def talk():
                progress = 0
                for i, sock in enumerate(talkers):
                    try:
                        n = sock.send((frame + frame)[said[i] % len(frame) :])
                    except BlockingIOError:
                        continue
                    said[i] += n
                    progress += n
                return progress == 0

            until(talk, "nobody can say more", patience=60)
            until(talk, "nobody can say more")
            server.must_answer()
            grown = server.memory_kb() - before
            if grown > SLEEPERS * OUTPUT_KB and not INSTRUMENT:
                raise Failure(f"{SLEEPERS} peers that do not read cost {grown} kB")
            print(f"note: {SLEEPERS} peers that do not read cost {grown} kB")
            for sock in talkers:
                http.reset(sock)
            server.must_return_to(descriptors)
            server.must_answer()


if __name__ == "__main__":
    unittest.main()
