# SPDX-License-Identifier: MIT
"""WebSockets by an independent client: Debian's python3-websockets."""
import asyncio
import sys
import unittest

from support.program import PATIENCE

try:
    import websockets
except ImportError:
    print("python3-websockets is not installed (make deps)")
    sys.exit(77)

Closed = websockets.ConnectionClosed
Refused = websockets.InvalidStatusCode


class TestCase(unittest.IsolatedAsyncioTestCase):
    """Without asyncio's debug mode, which takes most of the time where there are hundreds of sockets."""

    async def asyncSetUp(self):
        asyncio.get_running_loop().set_debug(False)


def to_ws(url):
    return url.replace("http://", "ws://", 1)


async def connect(url, **options):
    return await websockets.connect(to_ws(url), open_timeout=PATIENCE, close_timeout=PATIENCE,
                                    ping_interval=None, max_queue=None, **options)


def extensions(ws):
    """What the server agreed to."""
    return ws.response_headers.get("Sec-WebSocket-Extensions")


async def connect_many(url, n):
    return await asyncio.gather(*(connect(url) for _ in range(n)))


async def receive(ws):
    return await asyncio.wait_for(ws.recv(), PATIENCE)


async def receive_all(sockets):
    """The next message of each."""
    return await asyncio.gather(*(receive(ws) for ws in sockets))


async def closed_with(ws):
    """Waits for the end, and returns the server's code and reason."""
    await asyncio.wait_for(ws.wait_closed(), PATIENCE)
    return ws.close_code, ws.close_reason
