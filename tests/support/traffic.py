# SPDX-License-Identifier: MIT
"""
Clients of all kinds that come and go for a while: polite ones and others, which vanish in mid-request, stop
reading, break the protocol or send too much. One observer stays all the time and must keep hearing.
"""
import asyncio
import json
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor

from support import http, websocket
from support.program import Failure, Program, until

SECONDS = int(os.environ.get("SOAK_SECONDS") or 60)
VISITORS = 30

# ---- visits over bare sockets, which block and so run in threads of their own


def vanish_in_mid_request(url, path, dice):
    request = http.handshake(url, path)
    with http.connect(url) as sock:
        sock.sendall(request[: dice.randrange(len(request))])
        http.reset(sock)


def vanish_at_once(url, path, dice):
    with http.connect(url) as sock:
        sock.sendall(http.handshake(url, path) + http.text_frame("gone") * dice.randrange(3))
        http.reset(sock)


def vanish_while_it_is_spoken_to(url, path, dice):
    with http.connect(url) as sock:
        sock.sendall(http.handshake(url, path) + http.text_frame('{"want": "count"}'))
        http.read_until(sock, b"\r\n\r\n")
        time.sleep(dice.random())
        http.reset(sock)


def close_one_way(url, path, dice):
    with http.connect(url) as sock:
        sock.sendall(http.handshake(url, path) + http.text_frame("half") * dice.randrange(2))
        sock.shutdown(1)
        while sock.recv(4096):
            pass


def close_without_a_word(url, path, _dice):
    with http.connect(url) as sock:
        sock.sendall(http.handshake(url, path))
        http.read_until(sock, b"\r\n\r\n")


def say_goodbye(url, path, _dice):
    with http.connect(url) as sock:
        sock.sendall(http.handshake(url, path) + http.CLOSE_FRAME)
        while sock.recv(4096):
            pass


# Not masked, reserved bits and opcodes, invalid UTF-8, absurd length, one-byte close code, a new message inside another;
# and many pings, which are none but have to be answered. All are complete, a long frame with the first byte after its
# header, so that an answer comes even when nobody speaks any more.
OFFENCES = [b"\x81\x03abc", b"\xff\x80\0\0\0\0", b"\x81\x82\0\0\0\0\xc3\x28", b"\x81\xff" + b"\x7f" * 13,
            b"\x88\x81\0\0\0\0\3", b"\x01\x81\0\0\0\0a\x81\x81\0\0\0\0b", b"\x89\x80\0\0\0\0" * 50]


def commit(url, path, offence):
    with http.connect(url) as sock:
        sock.sendall(http.handshake(url, path))
        http.read_until(sock, b"\r\n\r\n")
        sock.sendall(offence)
        try:
            sock.recv(4096)
        except ConnectionError:
            pass  # an end without a word is an answer, too


def break_the_protocol(url, path, dice):
    commit(url, path, dice.choice(OFFENCES))


def never_read(url, path, dice):
    with http.connect(url) as sock:
        sock.setsockopt(1, 8, 4096)  # SOL_SOCKET, SO_RCVBUF
        sock.sendall(http.handshake(url, path))
        time.sleep(2 * dice.random())
        http.reset(sock)


BARE = [vanish_in_mid_request, vanish_at_once, vanish_while_it_is_spoken_to, close_one_way, close_without_a_word,
        say_goodbye, break_the_protocol, never_read]

# ---- requests to the notifications example, in threads, too


def post(url, _path, dice):
    http.post_json(url, {"message": "통" * dice.choice([1, 10, 1000, 20000])})


def post_nonsense(url, _path, dice):
    http.post_json(url, dice.choice([b"", b"{", b"[]", b"\xff", b'{"message": 1}', b"x" * 70000]))


def read_something(url, _path, dice):
    http.request(url, dice.choice(["GET", "HEAD", "PUT"]), dice.choice(["/", "/stats", "/nowhere"]))


def abort_an_upload(url, _path, dice):
    with http.connect(url) as sock:
        sock.sendall(b"POST /send_notification/ HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n"
                     b"Content-Type: application/json\r\n\r\n" + b"x" * dice.randrange(50000))
        http.reset(sock)


REQUESTS = [post, post, post_nonsense, read_something, abort_an_upload]

# ---- visits of an ordinary client


async def talk(url, path, dice):
    ws = await websocket.connect(url + path)
    for _ in range(dice.randrange(5)):
        await ws.send('{"want": "count"}')
    await asyncio.sleep(dice.random() / 2)
    await ws.close()


class Soak:
    """Traffic of these `visits` on one program; `speak` makes it say a text to everybody."""

    def __init__(self, program, path, visits, speak, seed):
        self.program = program
        self.url = f"http://127.0.0.1:{program.port}"
        self.path = path
        self.visits = visits
        self.speak = speak
        self.dice = random.Random(seed)
        self.done = 0
        self.heard = 0

    async def visitor(self, deadline):
        while time.monotonic() < deadline:
            visit = self.dice.choice(self.visits)
            try:
                if asyncio.iscoroutinefunction(visit):
                    await visit(self.url, self.path, self.dice)
                else:
                    await asyncio.to_thread(visit, self.url, self.path, self.dice)
            except ConnectionError:
                pass  # the server may well have been quicker
            except Exception as error:
                raise Failure(f"{visit.__name__}: {error!r}") from error
            self.done += 1

    async def listen(self, observer, last):
        while True:
            self.heard += 1
            if last in await websocket.receive(observer):
                return

    async def run(self, seconds):
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(VISITORS + 10))
        observer = await websocket.connect(self.url + self.path)
        listening = asyncio.create_task(self.listen(observer, "the very last"))
        deadline = time.monotonic() + seconds
        visitors = [asyncio.create_task(self.visitor(deadline)) for _ in range(VISITORS)]
        while time.monotonic() < deadline and not listening.done():
            await self.speak(self, "a word for everybody")
            await asyncio.sleep(0.05)
        await asyncio.gather(*visitors)
        for offence in OFFENCES:  # while nobody speaks
            await asyncio.to_thread(commit, self.url, self.path, offence)
        await self.speak(self, "the very last")
        await asyncio.wait_for(listening, self.program.patience)
        await observer.close()


async def speak_in_chat(soak, text):
    ws = await websocket.connect(soak.url + soak.path)
    await ws.send(text)
    await websocket.receive(ws)
    await ws.close()


async def speak_by_post(soak, text):
    await asyncio.to_thread(http.post_json, soak.url, {"message": text})


async def soak_chat(seed, **options):
    async with Program("chat", THREADS=2, **options) as program:
        soak = Soak(program, "/ws/chat/soak/", [*BARE, talk, talk], speak_in_chat, seed)
        await soak.run(SECONDS)
    return soak


async def soak_notifications(seed, **options):
    async with Program("notifications", THREADS=2, CONNECT_DELAY_MS=seed % 2 * 20, **options) as program:
        soak = Soak(program, "/ws/notifications/", [*BARE, talk, talk, *REQUESTS], speak_by_post, seed)
        await soak.run(SECONDS)
        await asyncio.to_thread(until, lambda: http.stats(soak.url)["consumers"] == 0, "nobody is connected")
        counters = await asyncio.to_thread(http.stats, soak.url)
        if not http.is_balanced(counters) or counters["memberships"] != 0:
            raise Failure(f"the books do not balance: {json.dumps(counters)}")
    return soak


def soak_all(what, **options):
    """Both examples, one after the other. Any failure is an exception."""
    seed = int(os.environ.get("SOAK_SEED") or random.randrange(10000))
    for name, run in [("chat", soak_chat), ("notifications", soak_notifications)]:
        print(f"SOAK_SEED={seed}", flush=True)
        soak = asyncio.run(run(seed, **options))
        print(f"note: {name} under {what}, {SECONDS} s: {soak.done} visits, the observer heard {soak.heard} messages")
