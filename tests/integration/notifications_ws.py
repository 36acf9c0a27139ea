# SPDX-License-Identifier: MIT
"""examples/notifications over WebSockets: 200 at once, the counter, late decisions, slow readers, the end."""
import asyncio
import json
import signal
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support import http, websocket  # noqa: E402
from support.program import Program, until  # noqa: E402

PATH = "/ws/notifications/"
CROWD = 200


async def notify(program, text):
    """How many browsers the notification was offered to."""
    answer = await asyncio.to_thread(http.post_json, program.url, {"message": text})
    return answer.json()["offered"]


async def consumers_are(program, n):
    await asyncio.to_thread(until, lambda: http.stats(program.url)["consumers"] == n, f"{n} consumers")


async def text_of(ws):
    return json.loads(await websocket.receive(ws))["message"]


class Crowd(websocket.TestCase):
    async def everybody_hears_everything(self, **settings):
        async with Program("notifications", **settings) as program:
            crowd = await websocket.connect_many(program.url + PATH, CROWD)
            texts = [f"알림 {i}" for i in range(20)]
            for text in texts:
                self.assertEqual(CROWD, await notify(program, text))
            for ws in crowd:
                self.assertEqual(texts, [await text_of(ws) for _ in texts])
            counters = await asyncio.to_thread(http.stats, program.url)
            self.assertEqual(CROWD * 20, counters["delivered"])
            self.assertTrue(http.is_balanced(counters), counters)
            await asyncio.gather(*(ws.close() for ws in crowd))
            await consumers_are(program, 0)

    async def test_everybody_hears_everything_in_order(self):
        await self.everybody_hears_everything()

    async def test_also_with_several_loops(self):
        await self.everybody_hears_everything(THREADS=3)

    async def test_also_when_acceptance_takes_a_while(self):
        await self.everybody_hears_everything(THREADS=2, CONNECT_DELAY_MS=50)

    async def test_people_come_and_go_while_others_send(self):
        async with Program("notifications", THREADS=2) as program:
            stays = await websocket.connect(program.url + PATH)

            async def visit(i):
                ws = await websocket.connect(program.url + PATH)
                await notify(program, f"{i}")
                await ws.close()

            await asyncio.gather(*(visit(i) for i in range(CROWD)))
            heard = {await text_of(stays) for _ in range(CROWD)}
            self.assertEqual({f"{i}" for i in range(CROWD)}, heard)
            await consumers_are(program, 1)


class Browser(websocket.TestCase):
    async def asyncSetUp(self):
        await super().asyncSetUp()
        self.program = await self.enterAsyncContext(Program("notifications"))
        self.url = self.program.url + PATH

    async def count(self, ws, n):
        """Waits until the counter shows n."""
        while json.loads(await websocket.receive(ws)) != {"connected": n}:
            pass

    async def test_the_counter_is_for_those_who_ask(self):
        asks, plain = await websocket.connect_many(self.url, 2)
        await asks.send('{"want": "count"}')
        self.assertEqual({"connected": 2}, json.loads(await websocket.receive(asks)))
        third = await websocket.connect(self.url)
        await self.count(asks, 3)
        await third.close()
        await self.count(asks, 2)
        await notify(self.program, "x")
        self.assertEqual('{"message":"x"}', await websocket.receive(plain))

    async def test_nonsense_of_clients_is_not_minded(self):
        ws = await websocket.connect(self.url)
        for nonsense in ["", "hello", "{", '{"want": "the moon"}', "[]", '{"want": {"want": "count"}}', b"\x00\xff",
                         "[" * 2000]:
            await ws.send(nonsense)
        await notify(self.program, "still there?")
        self.assertEqual("still there?", await text_of(ws))

    async def test_clients_with_too_much_to_say_are_closed(self):
        ws = await websocket.connect(self.url)
        await ws.send("x" * 5000)
        self.assertEqual(1009, (await websocket.closed_with(ws))[0])

    async def test_pages_of_other_origins_may_not_listen(self):
        for origin in ["http://elsewhere.example", "null"]:
            with self.subTest(origin=origin), self.assertRaises(websocket.Refused) as refused:
                await websocket.connect(self.url, origin=origin)
            self.assertEqual(403, refused.exception.status_code)
        ws = await websocket.connect(self.url, origin=self.program.url)
        await ws.close()

    async def test_unknown_websockets_are_404(self):
        for path in ["/ws/", "/ws/other/", "/ws/notifications", "/ws/notifications/x"]:
            with self.subTest(path=path), self.assertRaises(websocket.Refused) as refused:
                await websocket.connect(self.program.url + path)
            self.assertEqual(404, refused.exception.status_code)

    async def test_a_query_does_not_matter(self):
        ws = await websocket.connect(self.url + "?token=x%20y")
        self.assertEqual(1, await notify(self.program, "x"))
        self.assertEqual("x", await text_of(ws))

    async def test_what_is_no_websocket_is_told_so(self):
        answer = await asyncio.to_thread(http.request, self.program.url, "GET", PATH)
        self.assertEqual((426, "websocket"), (answer.status, answer.headers["Upgrade"]))

    async def test_a_slow_reader_holds_up_nobody_and_what_he_misses_is_counted(self):
        slow, quick = http.connect(self.program.url), await websocket.connect(self.url)
        slow.setsockopt(1, 8, 4096)  # SOL_SOCKET, SO_RCVBUF
        slow.sendall(http.handshake(self.program.url, PATH))
        self.assertIn(b" 101 ", http.read_until(slow, b"\r\n\r\n"))
        await consumers_are(self.program, 2)
        text = "x" * 60000
        for _ in range(300):
            await notify(self.program, text)
            self.assertEqual(text, await text_of(quick))
        counters = await asyncio.to_thread(http.stats, self.program.url)
        self.assertGreater(counters["dropped"]["full"], 0)
        self.assertTrue(http.is_balanced(counters), counters)
        http.reset(slow)
        await consumers_are(self.program, 1)


class Bytes(unittest.TestCase):
    """What an upgrade may look like on the wire."""

    def setUp(self):
        self.program = self.enterContext(Program("notifications"))
        self.url = self.program.url

    def hears(self, sock, text):
        http.post_json(self.url, {"message": text})
        self.assertIn(text.encode(), http.read_until(sock, b'"}'))

    def test_frames_right_behind_the_request_are_heard(self):
        with http.connect(self.url) as sock:
            sock.sendall(http.handshake(self.url, PATH) + http.text_frame('{"want": "count"}'))
            self.assertIn(b'{"connected":1}', http.read_until(sock, b"}"))
            self.hears(sock, "x")

    def test_frames_right_behind_the_request_wait_for_a_late_decision(self):
        with Program("notifications", CONNECT_DELAY_MS=100) as program, http.connect(program.url) as sock:
            sock.sendall(http.handshake(program.url, PATH) + http.text_frame('{"want": "count"}'))
            self.assertIn(b'{"connected":1}', http.read_until(sock, b"}"))

    def test_what_is_sent_before_a_late_decision_is_not_lost(self):
        with Program("notifications", CONNECT_DELAY_MS=300) as program, http.connect(program.url) as sock:
            sock.sendall(http.handshake(program.url, PATH))
            until(lambda: http.stats(program.url)["memberships"] == 1, "it is in the group")
            http.post_json(program.url, {"message": "early"})
            data = http.read_until(sock, b"}")
            self.assertTrue(data.startswith(b"HTTP/1.1 101 "), data)
            self.assertTrue(data.endswith(b'{"message":"early"}'), data)

    def test_who_vanishes_before_a_late_decision_is_forgotten(self):
        with Program("notifications", CONNECT_DELAY_MS=300) as program:
            for _ in range(20):
                sock = http.connect(program.url)
                sock.sendall(http.handshake(program.url, PATH))
                until(lambda: http.stats(program.url)["consumers"] > 0, "it is undecided")
                http.reset(sock)
            until(lambda: http.stats(program.url)["consumers"] == 0, "all consumers are gone")

    def test_a_request_in_single_bytes_is_understood(self):
        with http.connect(self.url) as sock:
            for byte in http.handshake(self.url, PATH):
                sock.sendall(bytes([byte]))
            self.assertIn(b" 101 ", http.read_until(sock, b"\r\n\r\n"))
            self.hears(sock, "x")

    def test_an_upgrade_may_follow_other_requests_on_a_connection(self):
        with http.connect(self.url) as sock:
            sock.sendall(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertIn(b" 200 ", http.read_until(sock, b"\r\n\r\n"))
            sock.sendall(http.handshake(self.url, "/ws/nowhere/"))
            self.assertEqual((404, b""), http.read_answer(sock)[::2])
            sock.sendall(http.handshake(self.url, PATH))
            self.assertIn(b" 101 ", http.read_until(sock, b"\r\n\r\n"))
            self.hears(sock, "x")

    def test_a_peer_that_stops_sending_is_done(self):
        with http.connect(self.url) as sock:
            sock.sendall(http.handshake(self.url, PATH))
            self.assertIn(b" 101 ", http.read_until(sock, b"\r\n\r\n"))
            sock.shutdown(1)
            self.assertEqual(b"", sock.recv(4096))
        until(lambda: http.stats(self.url)["consumers"] == 0, "its consumer is gone")

    def test_frames_that_break_the_protocol_end_only_their_connection(self):
        with http.connect(self.url) as good, http.connect(self.url) as bad:
            for sock in [good, bad]:
                sock.sendall(http.handshake(self.url, PATH))
                self.assertIn(b" 101 ", http.read_until(sock, b"\r\n\r\n"))
            bad.sendall(b"\x81\x05hello")  # not masked
            self.assertEqual(b"\x88", bad.recv(4096)[:1])
            self.hears(good, "x")


class End(websocket.TestCase):
    async def end(self, number, **settings):
        async with Program("notifications", **settings) as program:
            crowd = await websocket.connect_many(program.url + PATH, CROWD)
            idle = http.connect(program.url)  # an HTTP connection without a request
            program.send(number)
            for ends in await asyncio.gather(*(websocket.closed_with(ws) for ws in crowd)):
                self.assertEqual((1001, "the server is going away"), ends)
            said = await asyncio.to_thread(program.wait)
            idle.close()
            self.assertIn(f"{CROWD} connected, {CROWD} disconnected", said)

    async def test_everybody_is_told_after_sigterm(self):
        await self.end(signal.SIGTERM)

    async def test_everybody_is_told_after_sigint(self):
        await self.end(signal.SIGINT)

    async def test_all_threads_end(self):
        await self.end(signal.SIGTERM, THREADS=3)

    async def test_who_does_not_answer_is_not_waited_for_long(self):
        async with Program("notifications") as program:
            with http.connect(program.url) as mute:
                mute.sendall(http.handshake(program.url, PATH))
                self.assertIn(b" 101 ", http.read_until(mute, b"\r\n\r\n"))
                program.send(signal.SIGTERM)
                self.assertIn("1 connected, 1 disconnected", await asyncio.to_thread(program.wait))
                self.assertIn(b"\x03\xe9the server is going away", mute.recv(4096))

    async def test_who_is_undecided_is_refused(self):
        async with Program("notifications", CONNECT_DELAY_MS=4000) as program:
            with http.connect(program.url) as undecided:
                undecided.sendall(http.handshake(program.url, PATH))
                await consumers_are(program, 1)
                program.send(signal.SIGTERM)
                self.assertIn("1 connected, 1 disconnected", await asyncio.to_thread(program.wait))
                self.assertRegex(http.read_until(undecided, b"\r\n\r\n"), rb"^HTTP/1.1 (403|503) ")


if __name__ == "__main__":
    unittest.main()
