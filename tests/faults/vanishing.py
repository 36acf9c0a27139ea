# SPDX-License-Identifier: MIT
"""Peers that vanish: by RST in mid-message, by half-close, by kill -9 of their process, and while the server is going away."""
import signal
import subprocess
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support import http  # noqa: E402
from support.faults import SERVERS, Server, big_frame  # noqa: E402

PEERS = 100


def reset_in_mid_message(server):
    frame = big_frame(100_000)
    for i in range(PEERS):
        sock = server.connect()
        sock.sendall(frame[: 1 + i * 997 % (len(frame) - 1)])
        http.reset(sock)


def reset_in_mid_fragment(server):
    for i in range(PEERS):
        sock = server.connect()
        sock.sendall(big_frame(1000, opcode=0x01) + b"\x80\x85\0\0\0\0end"[: i % 10])
        http.reset(sock)


def reset_in_mid_request(server):
    request = http.handshake(server.http_url, server.path)
    for i in range(PEERS):
        sock = server.connect_bare()
        sock.sendall(request[: i % len(request)])
        http.reset(sock)


def reset_while_spoken_to(server):
    """What the server says is on its way, or waits because the peer does not read."""
    for _ in range(PEERS):
        sock = server.connect(receive_buffer=4096)
        sock.sendall(big_frame(60_000) * 4)
        http.reset(sock)


def close_one_way(server):
    """What the peer has said before is still answered, and then the server closes, too."""
    for i in range(PEERS):
        with server.connect() as sock:
            sock.sendall(http.text_frame("half") * (i % 3))
            sock.shutdown(1)
            while sock.recv(65536):
                pass


def close_one_way_in_mid_message(server):
    for i in range(PEERS):
        with server.connect() as sock:
            sock.sendall(big_frame(5000)[: 1 + i * 53 % 5000])
            sock.shutdown(1)
            while sock.recv(65536):
                pass


CLIENT = """
import sys, time
sys.path.insert(0, sys.argv[1])
from support import http
from support.faults import big_frame
sockets = [http.connect(sys.argv[2]) for _ in range(50)]
for sock in sockets:
    sock.sendall(http.handshake(sys.argv[2], sys.argv[3]))
    http.read_until(sock, b"\\r\\n\\r\\n")
print("ready", flush=True)
while True:
    for sock in sockets:
        sock.sendall(big_frame(1000))
        sock.recv(4096)
"""


def kill_clients(server):
    tests = str(Path(__file__).resolve().parents[1])
    for _ in range(3):
        client = subprocess.Popen([sys.executable, "-B", "-c", CLIENT, tests, server.http_url, server.path],
                                  stdout=subprocess.PIPE)
        client.stdout.readline()
        client.kill()
        client.wait()
        client.stdout.close()


FAULTS = [reset_in_mid_message, reset_in_mid_fragment, reset_in_mid_request, reset_while_spoken_to, close_one_way,
          close_one_way_in_mid_message, kill_clients]


class Vanishing(unittest.TestCase):
    def test_the_server_is_as_before(self):
        for name in SERVERS:
            with Server(name) as server:
                for fault in FAULTS:
                    with self.subTest(server=name, fault=fault.__name__):
                        server.must_bear(fault)

    def test_peers_that_vanish_while_the_server_goes_away(self):
        """It is told to stop, and of all resets, at the same moment."""
        for name in SERVERS:
            with self.subTest(server=name), Server(name) as server:
                peers = [server.connect() for _ in range(3 * PEERS)]
                server.send(signal.SIGSTOP)
                server.send(signal.SIGTERM)
                for sock in peers:
                    sock.sendall(http.text_frame("x"))
                    http.reset(sock)
                server.send(signal.SIGCONT)
                server.wait()

    def test_peers_that_do_not_answer_its_goodbye(self):
        for name in SERVERS:
            with self.subTest(server=name), Server(name) as server:
                peers = [server.connect() for _ in range(20)]
                halves = [server.connect_bare() for _ in range(20)]
                server.stop()
                for sock in peers + halves:
                    sock.close()


if __name__ == "__main__":
    unittest.main()
