# SPDX-License-Identifier: MIT
"""10,000 connections a minute that come and go in every manner, for FAULT_SECONDS."""
import random
import sys
import time
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support import http  # noqa: E402
from support.faults import SECONDS, SERVERS, Server, big_frame, in_good_time  # noqa: E402
from support.program import INSTRUMENT, Failure  # noqa: E402

PER_MINUTE = 10_000
AT_ONCE = 200


def come_and_go(sock, server, dice):
    sock.close()


def come_and_reset(sock, server, dice):
    http.reset(sock)


def ask_and_go(sock, server, dice):
    request = http.handshake(server.http_url, server.path)
    sock.sendall(request[: dice.randrange(len(request) + 1)])
    sock.close()


def ask_and_reset(sock, server, dice):
    sock.sendall(http.handshake(server.http_url, server.path))
    http.reset(sock)


def say_something_and_reset(sock, server, dice):
    sock.sendall(http.handshake(server.http_url, server.path) + http.text_frame("gone") + big_frame(3000)[:1000])
    http.reset(sock)


def ask_for_nonsense(sock, server, dice):
    sock.sendall(dice.choice([b"\0", b"GET / HTTP/1.0\r\n\r\n", b"PUT / HTTP/1.1\r\nHost: x\r\n\r\n", b"\r\n" * 50]))
    sock.close()


def say_goodbye(sock, server, dice):
    sock.sendall(http.handshake(server.http_url, server.path) + http.text_frame("hello") + http.CLOSE_FRAME)
    sock.shutdown(1)
    sock.close()


MANNERS = [come_and_go, come_and_reset, ask_and_go, ask_and_reset, say_something_and_reset, ask_for_nonsense, say_goodbye]


def leave(sock, server, dice):
    """In some manner, if the server has not had enough of waiting."""
    try:
        dice.choice(MANNERS)(sock, server, dice)
    except OSError:
        sock.close()


def storm(server, seconds, dice):
    """As many connections as that are in time; up to AT_ONCE of them stay for a while."""
    start = time.monotonic()
    done = 0
    staying = []
    while time.monotonic() < start + seconds:
        in_good_time(start, done, PER_MINUTE)
        staying.append(server.connect_bare())
        if len(staying) == AT_ONCE or dice.random() < 0.5:
            sock = staying.pop(dice.randrange(len(staying)))
            leave(sock, server, dice)
        done += 1
    for sock in staying:
        sock.close()
    return done


class Storm(unittest.TestCase):
    def test_the_server_is_as_before(self):
        seed = random.randrange(10_000)
        for name in SERVERS:
            with self.subTest(server=name, seed=seed), Server(name) as server:
                dice = random.Random(seed)
                counts = []
                seconds = SECONDS / len(SERVERS) / 2
                server.must_bear(lambda s: counts.append(storm(s, seconds, dice)))
                rate = sum(counts) * 60 / (seconds * len(counts))
                print(f"note: {name} took {sum(counts)} connections, {rate:.0f} a minute")
                if rate < 0.9 * PER_MINUTE and not INSTRUMENT:
                    raise Failure(f"only {rate:.0f} connections a minute")


if __name__ == "__main__":
    unittest.main()
