# SPDX-License-Identifier: MIT
"""permessage-deflate as an independent client speaks it: all parameters against echo, a group against notifications."""
import asyncio
import itertools
import os
import re
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support import http, websocket  # noqa: E402
from support.program import Program, until  # noqa: E402
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory  # noqa: E402

PATH = "/ws/notifications/"
NO_TAKEOVER = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
MESSAGES = ["", "a", "héllo wörld " * 500, b"\x00" * 100000, os.urandom(70000), '{"message": "short"}', "the same"]


class Echo(websocket.TestCase):
    async def exchange(self, url, **options):
        ws = await websocket.connect(url, max_size=1 << 20, **options)
        for message in MESSAGES * 2:
            await ws.send(message)
            self.assertEqual(message, await websocket.receive(ws))
        await ws.close()
        self.assertEqual(1000, ws.close_code)
        return websocket.extensions(ws)

    async def test_every_combination_of_parameters(self):
        async with Program("echo", arguments=["0"]) as program:
            bits = [None, 9, 12, 15]
            for server_none, client_none, server, client in itertools.product([False, True], [False, True], bits, [*bits, True]):
                offer = ClientPerMessageDeflateFactory(server_no_context_takeover=server_none, client_no_context_takeover=client_none,
                                                       server_max_window_bits=server, client_max_window_bits=client)
                with self.subTest(offer=offer.get_request_params()):
                    agreed = await self.exchange(program.url, extensions=[offer])
                    self.assertEqual(server_none, "server_no_context_takeover" in agreed)
                    self.assertEqual(client_none, "client_no_context_takeover" in agreed)
                    self.assertEqual([str(server)] if server else [], re.findall(r"server_max_window_bits=(\d+)", agreed))

    async def test_without_compression(self):
        async with Program("echo", arguments=["0"]) as program:
            self.assertIsNone(await self.exchange(program.url, compression=None))

    async def test_many_at_once(self):
        async with Program("echo", arguments=["0"]) as program:
            await asyncio.gather(*(self.exchange(program.url) for _ in range(50)))


class Group(websocket.TestCase):
    async def test_members_with_and_without_compression_hear_the_same(self):
        async with Program("notifications", THREADS=2) as program:
            url = program.url + PATH
            crowd = [*await websocket.connect_many(url, 20)]
            crowd += await asyncio.gather(*(websocket.connect(url, compression=None) for _ in range(20)))
            self.assertEqual([NO_TAKEOVER] * 20 + [None] * 20, [websocket.extensions(ws) for ws in crowd])
            await asyncio.to_thread(until, lambda: http.stats(program.url)["consumers"] == 40, "all are there")
            for text in ["short", "x" * 5000, "알림 " * 300]:
                await asyncio.to_thread(http.post_json, program.url, {"message": text})
                self.assertEqual({'{"message":"%s"}' % text}, set(await websocket.receive_all(crowd)))

    async def test_a_bomb_ends_only_the_connection_it_came_on(self):
        async with Program("notifications") as program:
            good, bad = await websocket.connect_many(program.url + PATH, 2)
            await bad.send("0" * 10000000)
            self.assertEqual(1009, (await websocket.closed_with(bad))[0])
            await asyncio.to_thread(http.post_json, program.url, {"message": "x"})
            self.assertEqual('{"message":"x"}', await websocket.receive(good))


if __name__ == "__main__":
    if os.environ.get("SWALE_DEFLATE") == "0":
        print("built without compression")
        sys.exit(77)
    unittest.main()
