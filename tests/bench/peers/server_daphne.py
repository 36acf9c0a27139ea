#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A broadcast as the tutorial of Django Channels has it, on Daphne: every text that comes is group_sent to all.

    server_daphne.py 9001
"""
import sys

import django
from django.conf import settings

settings.configure(CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}})
django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from daphne.server import Server  # noqa: E402


class Relay(AsyncWebsocketConsumer):
    groups = ["all"]

    async def receive(self, text_data=None, bytes_data=None):
        await self.channel_layer.group_send("all", {"type": "relay", "text": text_data})

    async def relay(self, event):
        await self.send(text_data=event["text"])


Server(application=Relay.as_asgi(), endpoints=[f"tcp:port={int(sys.argv[1])}:interface=127.0.0.1:backlog=4096"],
       signal_handlers=True).run()
