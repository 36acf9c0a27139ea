# SPDX-License-Identifier: MIT
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST


@require_GET
def index(request):
    return render(request, "board.html", {"edge": settings.EDGE})


@require_POST
def add_note(request):
    """All who have the page open see the note, whichever server their WebSocket is on."""
    note = {"type": "board.note", "text": request.POST.get("text", "")[:500]}
    async_to_sync(get_channel_layer().group_send)("board", note)
    return HttpResponse(status=204)
