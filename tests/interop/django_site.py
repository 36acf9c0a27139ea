# SPDX-License-Identifier: MIT
"""examples/django-edge: a site under Daphne and a swale program side by side. One view reaches the browsers of both."""
import asyncio
import http.cookiejar
import json
import os
import subprocess
import sys
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support import partner, redis_server, websocket  # noqa: E402
from support.program import ROOT, Program  # noqa: E402
from support.redis_server import Redis, free_port  # noqa: E402

redis_server.need_redis()
partner.need_channels()

PATIENCE = 30
LAYERS = {"core": "channels_redis.core.RedisChannelLayer", "pubsub": "channels_redis.pubsub.RedisPubSubChannelLayer"}


class Site:
    """The Django project under Daphne, and a browser's cookies for it."""

    def __init__(self, **environment):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        command = ["/usr/bin/python3", "-B", "-m", "daphne", "-b", "127.0.0.1", "-p", str(self.port),
                   "board.asgi:application"]
        self.process = subprocess.Popen(command, cwd=ROOT / "examples/django-edge", stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        env={**os.environ, **environment, "PYTHONDONTWRITEBYTECODE": "1"})
        self.cookies = http.cookiejar.CookieJar()
        self.browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def __enter__(self):
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self.page = self.browser.open(self.url, timeout=PATIENCE).read().decode()
                return self
            except urllib.error.URLError as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.__exit__()
                    raise AssertionError(f"Daphne does not answer ({error}): {self.output}") from error
                time.sleep(0.05)

    def __exit__(self, *_):
        self.process.terminate()
        self.output = self.process.communicate(timeout=PATIENCE)[0].decode(errors="replace")

    def pin(self, text):
        token = next(cookie.value for cookie in self.cookies if cookie.name == "csrftoken")
        body = urllib.parse.urlencode({"text": text, "csrfmiddlewaretoken": token}).encode()
        return self.browser.open(self.url + "notes/", body, timeout=PATIENCE).status


class SideBySide(websocket.TestCase):
    async def a_view_reaches_both(self, mode):
        with Redis() as redis, Site(REDIS=redis.url, CHANNEL_LAYER=LAYERS[mode], EDGE="ws://edge/") as site:
            self.assertIn("ws://edge/", site.page)
            origin = site.url.rstrip("/")
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
