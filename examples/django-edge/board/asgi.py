# SPDX-License-Identifier: MIT
import os

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "board.settings")
http = get_asgi_application()

from .consumers import BoardConsumer  # noqa: E402  Django must be set up before

application = ProtocolTypeRouter({
    "http": http,
    "websocket": AllowedHostsOriginValidator(URLRouter([path("ws/board/", BoardConsumer.as_asgi())])),
})
