# SPDX-License-Identifier: MIT
"""What tests that drive the example programs share. Python's standard library only, but for websocket.py."""
