# SPDX-License-Identifier: MIT
from django.urls import path

from . import views

urlpatterns = [path("", views.index), path("notes/", views.add_note)]
