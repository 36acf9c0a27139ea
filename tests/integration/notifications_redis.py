# SPDX-License-Identifier: MIT
"""examples/notifications on Redis: programs on ports of their own share their notifications, by SWALE_LAYER alone."""
import asyncio
import json
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support import http, websocket  # noqa: E402
from support.program import Program  # noqa: E402
from support.redis_server import Redis, need_redis  # noqa: E402

PATH = "/ws/notifications/"
BROWSERS = 20


async def notify(program, text):
    await asyncio.to_thread(http.post_json, program.url, {"message": text})


async def text_of(ws):
    return json.loads(await websocket.receive(ws))["message"]


class Shared(websocket.TestCase):
    async def everybody_hears_everything(self, mode, **settings):
        with Redis() as redis:
            url = f"{redis.url}?mode={mode}"
            async with Program("notifications", SWALE_LAYER=url, **settings) as one, \
                    Program("notifications", SWALE_LAYER=url) as other:
                crowd = await websocket.connect_many(one.url + PATH, BROWSERS)
                crowd += await websocket.connect_many(other.url + PATH, BROWSERS)
                for program in (one, other):
                    texts = [f"{program.port} {i}" for i in range(10)]
                    for text in texts:
                        await notify(program, text)
                    for ws in crowd:
                        self.assertEqual(texts, [await text_of(ws) for _ in texts])
                for program in (one, other):
                    self.assertTrue(http.is_balanced(await asyncio.to_thread(http.stats, program.url)))
                await asyncio.gather(*(ws.close() for ws in crowd))

    async def test_with_pubsub(self):
        await self.everybody_hears_everything("pubsub")

    async def test_with_queues(self):
        await self.everybody_hears_everything("core")

    async def test_with_several_loops(self):
        await self.everybody_hears_everything("pubsub", THREADS=3)

    async def test_without_redis_each_is_on_its_own_until_it_comes(self):
        with Redis() as redis:
            redis.stop()
            url = f"{redis.url}?mode=pubsub"
            async with Program("notifications", SWALE_LAYER=url) as one, \
                    Program("notifications", SWALE_LAYER=url) as other:
                here, there = await websocket.connect(one.url + PATH), await websocket.connect(other.url + PATH)
                await notify(one, "alone")
                self.assertEqual("alone", await text_of(here))
                redis.start()
                heard = set()

                async def listen():
                    while "together" not in heard:
                        heard.add(await text_of(there))

                listening = asyncio.create_task(listen())
                while not listening.done():
                    await notify(one, "together")
                    await asyncio.sleep(0.1)
                await listening
                await asyncio.gather(here.close(), there.close())


need_redis()
if __name__ == "__main__":
    unittest.main()
