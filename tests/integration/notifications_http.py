# SPDX-License-Identifier: MIT
"""examples/notifications over HTTP: what it answers, and that nothing of it disturbs an open WebSocket."""
import asyncio
import json
import subprocess
import sys
import unittest
from pathlib import Path
from urllib.parse import quote_plus

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support import http, websocket  # noqa: E402
from support.program import BUILD, PATIENCE, Program, until  # noqa: E402

DEFAULT = "새로운 알림이 도착했습니다."
KIB = 1024


def post_head(*lines):
    """The head of a POST that sends a notification, with these header lines."""
    return "\r\n".join(["POST /send_notification/ HTTP/1.1", "Host: x", *lines, "", ""]).encode()


class Requests(websocket.TestCase):
    """A browser is connected all the while, and after each test it must still hear a last notification."""

    async def asyncSetUp(self):
        await super().asyncSetUp()
        self.program = await self.enterAsyncContext(Program("notifications"))
        self.url = self.program.url
        self.browser = await websocket.connect(self.url + "/ws/notifications/")

    async def asyncTearDown(self):
        self.assertEqual({"offered": 1}, (await self.form("message=the+end")).json())
        while await self.heard() != "the end":
            pass
        counters = await self.call(http.stats, self.url)
        self.assertTrue(http.is_balanced(counters), counters)

    async def call(self, function, *args, **options):
        return await asyncio.to_thread(function, *args, **options)

    async def get(self, path, method="GET", **headers):
        return await self.call(http.request, self.url, method, path, None, headers)

    async def post(self, body, media_type):
        if isinstance(body, str):
            body = body.encode()
        return await self.call(http.request, self.url, "POST", "/send_notification/", body,
                               {"Content-Type": media_type})

    async def form(self, body, **headers):
        return await self.call(http.post_form, self.url, body, **headers)

    async def json(self, body, **headers):
        return await self.call(http.post_json, self.url, body, **headers)

    async def heard(self):
        """The text of the next notification, of which a browser gets nothing else."""
        data = json.loads(await websocket.receive(self.browser))
        self.assertEqual(["message"], list(data))
        return data["message"]

    async def assert_sends(self, text, answer):
        self.assertEqual(200, answer.status, answer.body)
        self.assertEqual("application/json", answer.headers["Content-Type"])
        self.assertEqual({"offered": 1}, answer.json())
        self.assertEqual(text, await self.heard())

    def assert_refuses(self, status, answer):
        self.assertEqual(status, answer.status, answer.body)
        self.assertTrue(answer.json()["error"])

    def head_of_answer(self, head):
        """What is answered when only this is sent."""
        with http.connect(self.url) as sock:
            sock.sendall(head)
            return http.read_until(sock, b"\r\n\r\n")

    # ---- sending

    async def test_a_form_sends_its_message(self):
        text = "hello & 안녕 = + %"
        await self.assert_sends(text, await self.form("message=" + quote_plus(text)))

    async def test_a_form_may_have_other_fields_and_a_charset(self):
        media_type = "application/x-www-form-urlencoded; charset=UTF-8"
        await self.assert_sends("b", await self.post("a=1&message=b&c=3", media_type))

    async def test_of_several_messages_the_last_one_counts(self):
        await self.assert_sends("3", await self.form("message=100&message=22&message=3"))

    async def test_without_a_message_the_default_is_sent(self):
        for body in ["", "other=1", "message="]:
            with self.subTest(body=body):
                await self.assert_sends(DEFAULT, await self.form(body))
        await self.assert_sends(DEFAULT, await self.get("/send_notification/", "POST"))
        for body in [{}, {"message": ""}, {"other": 1}]:
            with self.subTest(body=body):
                await self.assert_sends(DEFAULT, await self.json(body))

    async def test_a_multipart_form_sends_its_message(self):
        parts = [f'--cut\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
                 for name, value in [("other", "x"), ("message", "여러 부분"), ("file", "y" * 5000)]]
        answer = await self.post("".join(parts) + "--cut--\r\n", "multipart/form-data; boundary=cut")
        await self.assert_sends("여러 부분", answer)

    async def test_json_sends_its_message(self):
        await self.assert_sends('"quotes" \\ \u0001 \u0000 한 🌊 </script>',
                                await self.json({"message": '"quotes" \\ \u0001 \u0000 한 🌊 </script>'}))

    async def test_json_cannot_choose_the_type_of_the_message(self):
        await self.assert_sends("x", await self.json({"type": "census", "message": "x"}))

    async def test_messages_up_to_the_limit_arrive_whole(self):
        text = "x" * (64 * KIB - len("message="))
        await self.assert_sends(text, await self.form("message=" + text))

    async def test_a_body_in_chunks_is_one_body(self):
        def pieces():
            for piece in ["mes", "sage=in", "+", "chunks"]:
                yield piece.encode()
        await self.assert_sends("in chunks", await self.form(pieces()))

    # ---- refusals

    async def test_too_large_a_body_is_413(self):
        for size in [64 * KIB + 1, 1024 * KIB, 7 * 1024 * KIB]:
            with self.subTest(size=size):
                self.assert_refuses(413, await self.form(b"x" * size))

    async def test_too_large_a_body_in_chunks_is_413(self):
        self.assert_refuses(413, await self.form(b"x" * 10000 for _ in range(10)))

    async def test_who_asks_before_sending_too_much_is_told_at_once(self):
        head = post_head("Content-Length: 100000", "Content-Type: application/json", "Expect: 100-continue")
        self.assertIn(b" 413 ", await self.call(self.head_of_answer, head))

    async def test_what_is_absurdly_large_is_not_waited_for(self):
        head = post_head("Content-Length: 99999999999")
        self.assertIn(b" 413 ", await self.call(self.head_of_answer, head))

    async def test_invalid_utf8_is_400(self):
        for body in ["message=%ff", "message=%ed%a0%80", "message=%c0%80", "message=a%80"]:
            with self.subTest(body=body):
                self.assert_refuses(400, await self.form(body))
        self.assert_refuses(400, await self.json(b'{"message": "\xff"}'))

    async def test_malformed_json_is_400_with_a_reason(self):
        for body in [b"", b"{", b'{"message": "x"', b'{"message": "x"} x', b'"message"', b"[]", b"null",
                     b'{"message": "\\ud800"}', b'{"message": "x", "message": "y"}', b'{"message": 1}',
                     b'{"message": null}', b'{"message": ["x"]}', b"[" * 60000]:
            with self.subTest(body=body[:40]):
                self.assert_refuses(400, await self.json(body))

    async def test_a_malformed_form_is_400(self):
        self.assert_refuses(400, await self.form("message"))
        self.assert_refuses(400, await self.post("--x\r\nnonsense", "multipart/form-data; boundary=x"))
        self.assert_refuses(400, await self.post("x", "multipart/form-data"))

    async def test_other_media_types_are_415(self):
        for media_type in ["text/plain", "application/jsonx", "application/xml", ""]:
            with self.subTest(media_type=media_type):
                self.assert_refuses(415, await self.post("message=x", media_type))

    async def test_a_wrong_method_is_405_and_says_which_would_be_right(self):
        for path, methods, allow in [("/", ["POST", "PUT", "DELETE", "OPTIONS"], "GET, HEAD"),
                                     ("/stats", ["POST", "GE"], "GET, HEAD"),
                                     ("/send_notification/", ["GET", "HEAD", "PUT", "PATCH"], "POST"),
                                     ("/ws/notifications/", ["POST", "HEAD"], "GET")]:
            for method in methods:
                with self.subTest(path=path, method=method):
                    answer = await self.get(path, method)
                    self.assertEqual((405, allow), (answer.status, answer.headers["Allow"]))

    async def test_unknown_paths_are_404(self):
        for path in ["/nowhere", "/stats/", "/send_notification", "//", "/%00", "/ws", "/index.html?x=1"]:
            with self.subTest(path=path):
                self.assert_refuses(404, await self.get(path))
        self.assert_refuses(404, await self.get("/nowhere", "POST"))

    async def test_pages_of_other_origins_may_not_send(self):
        own = self.url
        for origin in ["http://elsewhere.example", "null", own + "0", "http://127.0.0.1",
                       own.replace("127.0.0.1", "localhost")]:
            with self.subTest(origin=origin):
                self.assert_refuses(403, await self.form("message=x", Origin=origin))
        await self.assert_sends("x", await self.form("message=x", Origin=own))

    # ---- reading

    async def test_the_page_is_a_page(self):
        answer = await self.get("/")
        self.assertEqual((200, "text/html; charset=utf-8"), (answer.status, answer.headers["Content-Type"]))
        source = Path(__file__).resolve().parents[2] / "examples/notifications/page.html"
        self.assertEqual(source.read_bytes(), answer.body)
        self.assertIn(DEFAULT, answer.body.decode())
        self.assertIn("default-src 'none'", answer.headers["Content-Security-Policy"])

    async def test_head_is_get_without_the_body(self):
        for path in ["/", "/stats"]:
            get, head = await self.get(path), await self.get(path, "HEAD")
            self.assertEqual((200, b""), (head.status, head.body))
            self.assertEqual(get.headers["Content-Length"], head.headers["Content-Length"])

    async def test_stats_count(self):
        await self.form("message=1")
        await self.form("message=2")
        await self.heard(), await self.heard()
        counters = await self.call(http.stats, self.url)
        self.assertEqual((1, 1), (counters["consumers"], counters["memberships"]))
        self.assertEqual((2, 2, 2), (counters["offered"], counters["delivered"], counters["group_sends"]))
        self.assertEqual({"full", "expired", "closed", "nomem", "flushed", "conflated"}, set(counters["dropped"]))

    # ---- connections

    async def test_several_requests_share_a_connection(self):
        def converse():
            one = post_head("Content-Type: application/x-www-form-urlencoded", "Content-Length: 9") + b"message=x"
            wrong = b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n" + b"y" * 70000
            with http.connect(self.url) as sock:
                sock.sendall(one + wrong + one)
                statuses, rest = [], b""
                for _ in range(3):
                    status, _, rest = http.read_answer(sock, rest)
                    statuses.append(status)
                return statuses
        self.assertEqual([200, 404, 200], await self.call(converse))

    async def test_a_request_without_host_is_400(self):
        self.assertIn(b" 400 ", await self.call(self.head_of_answer, b"GET / HTTP/1.1\r\n\r\n"))

    async def test_clients_that_vanish_leave_nothing_behind(self):
        def vanish():
            requests = [b"", b"G", b"GET", b"GET / HTTP/1.1\r\nHo", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                        post_head("Content-Length: 50000"), post_head("Content-Length: 50000") + b"x" * 20000,
                        post_head("Transfer-Encoding: chunked") + b"ff\r\nxx",
                        http.handshake(self.url, "/ws/notifications/"),
                        http.handshake(self.url, "/ws/notifications/")[:-9],
                        http.handshake(self.url, "/ws/nowhere/")]
            for bytes_sent in requests * 5:
                sock = http.connect(self.url)
                sock.sendall(bytes_sent)
                http.reset(sock)
        await self.get("/")
        before = self.program.descriptors()
        await self.call(vanish)
        await self.call(until, lambda: self.program.descriptors() <= before, "all sockets are closed")
        await self.call(until, lambda: http.stats(self.url)["consumers"] == 1, "all consumers are gone")


class Settings(unittest.TestCase):
    def fails(self, **environment):
        done = subprocess.run([BUILD / "examples" / "notifications"], env={"PORT": "0", **environment},
                              capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertNotEqual(0, done.returncode)
        return done.stderr

    def test_nonsense_is_an_error(self):
        self.assertIn("PORT", self.fails(PORT="http"))
        self.assertIn("PORT", self.fails(PORT="65536"))
        self.assertIn("THREADS", self.fails(THREADS="0"))
        self.assertIn("SWALE_LAYER", self.fails(SWALE_LAYER="nosuch://"))
        self.assertIn("SWALE_LAYER", self.fails(SWALE_LAYER="memory://?capacity=none"))

    def test_a_port_in_use_is_an_error(self):
        with Program("notifications") as first:
            self.assertIn("Address already in use", self.fails(PORT=str(first.port)))

    def test_it_starts_again_on_the_same_port_at_once(self):
        with Program("notifications") as first:
            http.request(first.url)
            port = first.port
        with Program("notifications", PORT=port) as second:
            self.assertEqual(200, http.request(second.url).status)


if __name__ == "__main__":
    unittest.main()
