# SPDX-License-Identifier: MIT
from channels.generic.websocket import AsyncJsonWebsocketConsumer


class BoardConsumer(AsyncJsonWebsocketConsumer):
    """What board.c is in C, for those who run the site's WebSockets under Daphne, or some of them."""

    groups = ["board"]

    async def board_note(self, event):
        await self.send_json({"text": event["text"]})
