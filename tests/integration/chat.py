# SPDX-License-Identifier: MIT
"""examples/chat as a process: rooms, refusals, raw bytes, rooms on Redis, the end."""
import asyncio
import signal
import subprocess
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support import http, websocket  # noqa: E402
from support.program import BUILD, PATIENCE, Program, until  # noqa: E402
from support.redis_server import Redis, need_redis  # noqa: E402

need_redis()


def room(program, name):
    return f"ws://127.0.0.1:{program.port}/ws/chat/{name}/"


class Rooms(websocket.TestCase):
    async def asyncSetUp(self):
        await super().asyncSetUp()
        self.chat = await self.enterAsyncContext(Program("chat"))

    async def test_everybody_in_a_room_gets_a_line_its_writer_too(self):
        visitors = await websocket.connect_many(room(self.chat, "lobby"), 5)
        await visitors[0].send("안녕하세요")
        lines = await websocket.receive_all(visitors)
        self.assertEqual(1, len(set(lines)))
        self.assertRegex(lines[0], r"^\S{4}: 안녕하세요$")

    async def test_rooms_do_not_hear_each_other(self):
        here = await websocket.connect(room(self.chat, "here"))
        there = await websocket.connect(room(self.chat, "there"))
        await here.send("only here")
        await there.send("only there")
        self.assertTrue((await websocket.receive(here)).endswith(": only here"))
        self.assertTrue((await websocket.receive(there)).endswith(": only there"))

    async def test_lines_keep_their_order(self):
        writer, reader = await websocket.connect_many(room(self.chat, "lobby"), 2)
        for i in range(500):
            await writer.send(str(i))
        lines = [(await websocket.receive(reader)).split(": ")[1] for _ in range(500)]
        self.assertEqual([str(i) for i in range(500)], lines)

    async def test_who_has_left_is_missed_by_nobody(self):
        stays, leaves = await websocket.connect_many(room(self.chat, "lobby"), 2)
        await leaves.close()
        await stays.send("alone?")
        self.assertTrue((await websocket.receive(stays)).endswith(": alone?"))

    async def test_what_is_not_text_ends_the_connection(self):
        visitor = await websocket.connect(room(self.chat, "lobby"))
        await visitor.send(b"bytes")
        self.assertEqual((1003, "text only"), await websocket.closed_with(visitor))

    async def test_there_are_no_other_paths(self):
        for path in ["/", "/ws/chat/", "/ws/chat/no room/", "/ws/chat/" + "x" * 65 + "/"]:
            with self.subTest(path=path), self.assertRaises(websocket.Refused) as refused:
                await websocket.connect(f"ws://127.0.0.1:{self.chat.port}{path.replace(' ', '%20')}")
            self.assertEqual(404, refused.exception.status_code)

    async def test_pages_of_other_origins_may_not_connect(self):
        with self.assertRaises(websocket.Refused) as refused:
            await websocket.connect(room(self.chat, "lobby"), origin="http://elsewhere.example")
        self.assertEqual(403, refused.exception.status_code)
        await websocket.connect(room(self.chat, "lobby"), origin=f"http://127.0.0.1:{self.chat.port}")


class Bytes(unittest.TestCase):
    def setUp(self):
        self.chat = self.enterContext(Program("chat"))
        self.url = f"http://127.0.0.1:{self.chat.port}"

    def hears(self, text, pieces):
        """Sends the pieces, and waits for a line; then closes, and is answered in kind."""
        with http.connect(self.url) as sock:
            for piece in pieces:
                sock.sendall(piece)
            answer = http.read_until(sock, text.encode())
            self.assertTrue(answer.startswith(b"HTTP/1.1 101 "), answer)
            self.assertTrue(answer.endswith(f": {text}".encode()), answer)
            sock.sendall(http.CLOSE_FRAME)
            self.assertEqual(b"\x88\x02\x03\xe8", http.read_until(sock, b"nothing more"))

    def test_frames_right_behind_the_request_are_heard(self):
        self.hears("early", [http.handshake(self.url, "/ws/chat/raw/") + http.text_frame("early")])

    def test_bytes_may_come_one_at_a_time(self):
        everything = http.handshake(self.url, "/ws/chat/raw/") + http.text_frame("slow")
        self.hears("slow", [everything[i : i + 1] for i in range(len(everything))])

    def test_who_stops_sending_is_done(self):
        with http.connect(self.url) as sock:
            sock.sendall(http.handshake(self.url, "/ws/chat/raw/"))
            self.assertIn(b" 101 ", http.read_until(sock, b"\r\n\r\n"))
            sock.shutdown(1)
            self.assertEqual(b"", sock.recv(4096))

    def test_what_is_no_request_is_refused(self):
        with http.connect(self.url) as sock:
            sock.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n")
            self.assertIn(b" 400 ", http.read_until(sock, b"\r\n\r\n"))

    def test_no_descriptor_is_kept(self):
        self.hears("I am here", [http.handshake(self.url, "/ws/chat/raw/") + http.text_frame("I am here")])
        before = self.chat.descriptors()
        for i in range(50):
            sock = http.connect(self.url)
            if i % 3:
                sock.sendall(http.handshake(self.url, "/ws/chat/raw/"))
            if i % 3 == 2:
                http.read_until(sock, b"\r\n\r\n")
            http.reset(sock)
        until(lambda: self.chat.descriptors() == before, "all sockets are closed")


class Shared(websocket.TestCase):
    """Several of them on one Redis, by SWALE_LAYER alone."""

    async def rooms_span_processes(self, mode, **settings):
        with Redis() as redis:
            url = f"{redis.url}?mode={mode}"
            async with Program("chat", SWALE_LAYER=url, **settings) as one, Program("chat", SWALE_LAYER=url) as other:
                visitors = [*await websocket.connect_many(room(one, "lobby"), 5),
                            *await websocket.connect_many(room(other, "lobby"), 5)]
                for writer in (visitors[0], visitors[-1]):
                    await writer.send("안녕하세요")
                    lines = await websocket.receive_all(visitors)
                    self.assertEqual(1, len(set(lines)))
                    self.assertTrue(lines[0].endswith(": 안녕하세요"), lines[0])
                for ws in visitors:
                    await ws.close()

    async def test_with_pubsub(self):
        await self.rooms_span_processes("pubsub")

    async def test_with_queues(self):
        await self.rooms_span_processes("core")

    async def test_with_several_loops(self):
        await self.rooms_span_processes("pubsub", THREADS=3)

    async def nothing_said_after_open_is_missed(self, mode):
        with Redis() as redis:
            url = f"{redis.url}?mode={mode}"
            async with Program("chat", SWALE_LAYER=url) as one, Program("chat", SWALE_LAYER=url) as other:
                for i in range(100):
                    writer = await websocket.connect(room(other, f"room-{i}"))
                    reader = await websocket.connect(room(one, f"room-{i}"))
                    await writer.send(f"welcome {i}")
                    self.assertTrue((await websocket.receive(reader)).endswith(f": welcome {i}"))
                    await asyncio.gather(reader.close(), writer.close())

    async def test_who_has_come_in_hears_the_next_line_with_pubsub(self):
        await self.nothing_said_after_open_is_missed("pubsub")

    async def test_who_has_come_in_hears_the_next_line_with_queues(self):
        await self.nothing_said_after_open_is_missed("core")

    async def test_a_room_without_redis_is_still_a_room(self):
        with Redis() as redis:
            redis.stop()
            async with Program("chat", SWALE_LAYER=redis.url) as chat:
                visitors = await websocket.connect_many(room(chat, "lobby"), 2)
                await visitors[0].send("here at least")
                for line in await websocket.receive_all(visitors):
                    self.assertTrue(line.endswith(": here at least"), line)
                for ws in visitors:
                    await ws.close()

    def test_a_layer_that_cannot_be_is_explained(self):
        done = subprocess.run([BUILD / "examples" / "chat"], env={"SWALE_LAYER": "redis://localhost/?mode=loud"},
                              capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(1, done.returncode)
        self.assertIn("SWALE_LAYER: ", done.stderr)


class End(websocket.TestCase):
    async def end(self, number, **settings):
        async with Program("chat", **settings) as chat:
            visitors = await websocket.connect_many(room(chat, "lobby"), 20)
            silent = http.connect(f"http://127.0.0.1:{chat.port}")  # has not sent its request yet
            chat.send(number)
            for ends in await asyncio.gather(*(websocket.closed_with(ws) for ws in visitors)):
                self.assertEqual((1001, "the server is going away"), ends)
            await asyncio.to_thread(chat.wait)
            silent.close()

    async def test_everybody_is_told_after_sigterm(self):
        await self.end(signal.SIGTERM)

    async def test_everybody_is_told_after_sigint(self):
        await self.end(signal.SIGINT)

    async def test_all_threads_end(self):
        await self.end(signal.SIGTERM, THREADS=4)

    async def test_rooms_span_threads(self):
        async with Program("chat", THREADS=3) as chat:
            visitors = await websocket.connect_many(room(chat, "lobby"), 30)
            for writer in visitors:
                await writer.send("x")
            for ws in visitors:
                lines = [await websocket.receive(ws) for _ in visitors]
                self.assertEqual(30, len(lines))
            for ws in visitors:
                await ws.close()

    def test_a_port_in_use_is_an_error(self):
        with Program("chat") as chat:
            second = subprocess.run([BUILD / "examples" / "chat"], env={"PORT": str(chat.port)},
                                    capture_output=True, text=True, timeout=PATIENCE, check=False)
            self.assertEqual(1, second.returncode)
            self.assertIn("Address already in use", second.stderr)


if __name__ == "__main__":
    unittest.main()
