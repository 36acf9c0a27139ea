# SPDX-License-Identifier: MIT
"""examples/django-edge: a site under Daphne and a swale program side by side. One view reaches the browsers of both."""
import asyncio
import json
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support import partner, redis_server, websocket  # noqa: E402
from support.django_site import Site  # noqa: E402
from support.program import Program  # noqa: E402
from support.redis_server import Redis  # noqa: E402

redis_server.need_redis()
partner.need_channels()


class SideBySide(websocket.TestCase):
    async def a_view_reaches_both(self, mode):
        with Redis() as redis, Site(redis, "ws://edge/", mode) as site:
            self.assertIn("ws://edge/", site.page)
            origin = site.origin
            async with Program("django-edge", SWALE_LAYER=f"{redis.url}/0?mode={mode}", ORIGIN=origin) as edge:
                at_daphne = await websocket.connect(f"ws://127.0.0.1:{site.port}/ws/board/", origin=origin)
                at_edge = [await websocket.connect(edge.url + "/", origin=origin) for _ in range(3)]
                for text in ("first", "두 번째", "x" * 500):
                    self.assertEqual(204, await asyncio.to_thread(site.pin, text))
                    for ws in [at_daphne, *at_edge]:
                        self.assertEqual({"text": text}, json.loads(await websocket.receive(ws)))
                for ws in [at_daphne, *at_edge]:
                    await ws.close()

    async def test_in_core_mode(self):
        await self.a_view_reaches_both("core")

    async def test_in_pubsub_mode(self):
        await self.a_view_reaches_both("pubsub")

    async def test_foreign_pages_are_refused(self):
        with Redis() as redis:
            async with Program("django-edge", SWALE_LAYER=f"{redis.url}/0?mode=pubsub") as edge:
                with self.assertRaises(websocket.Refused) as refused:
                    await websocket.connect(edge.url + "/", origin="http://elsewhere.example")
                self.assertEqual(403, refused.exception.status_code)


if __name__ == "__main__":
    unittest.main(verbosity=2)
