# SPDX-License-Identifier: MIT
"""As little as a Django site needs that sends to a channel layer."""
import os
from pathlib import Path

from django.core.management.utils import get_random_secret_key

DEBUG = True
SECRET_KEY = os.environ.get("SECRET_KEY") or get_random_secret_key()
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "board.urls"
ASGI_APPLICATION = "board.asgi.application"
INSTALLED_APPS = ["channels"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [Path(__file__).parent]}]

# The mode of SWALE_LAYER: RedisPubSubChannelLayer is pubsub, RedisChannelLayer in channels_redis.core is core.
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": os.environ.get("CHANNEL_LAYER", "channels_redis.pubsub.RedisPubSubChannelLayer"),
        "CONFIG": {"hosts": [os.environ.get("REDIS", "redis://localhost:6379/0")]},
    },
}

# Where browsers find the WebSockets; the site's own, under Daphne, would be ws://127.0.0.1:8000/ws/board/.
EDGE = os.environ.get("EDGE", "ws://127.0.0.1:8001/ws/board/")
