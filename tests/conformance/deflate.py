# SPDX-License-Identifier: MIT
"""RFC 7692 by case: what is agreed, payloads both ways, what must not pass."""
import json
import os
import random
import zlib

from peer import BINARY, CONTINUATION, PING, PONG, TEXT, Deflater, Gone, Peer, frame
from runner import case, ends, fails

OFFER = "permessage-deflate"


def agreed(port, offer=OFFER, **how):
    return Peer(port, headers=[("Sec-WebSocket-Extensions", offer)], **how)


def exchange(p, kind, payload, pieces=1):
    data = p.deflater.deflate(payload)
    size = -(-len(data) // pieces) or 1
    parts = [data[at:at + size] for at in range(0, len(data), size)] or [b""]
    for i, part in enumerate(parts):
        p.send(kind if i == 0 else CONTINUATION, part, fin=i + 1 == len(parts), rsv=4 if i == 0 else 0)
    answer = p.read()
    assert answer == (kind, payload), f"not the echo but {answer[0]}, {len(answer[1])} bytes"


PAYLOADS = {
    "nothing": b"",
    "one byte": b"a",
    "repetition": b"*" * 100000,
    "JSON": json.dumps([{"id": i, "name": f"user {i}", "online": i % 3 == 0} for i in range(500)]).encode(),
    "Korean": ("새로운 알림이 도착했습니다. " * 200).encode(),
    "a MiB of text": (b"The quick brown fox jumps over the lazy dog. " * 23302)[: 1 << 20],
}
OFFERS = {
    "plain": OFFER,
    "no context takeover": OFFER + "; client_no_context_takeover; server_no_context_takeover",
    "client window 9": OFFER + "; client_max_window_bits=9",
    "server window 9": OFFER + "; server_max_window_bits=9",
    "both windows 10": OFFER + "; client_max_window_bits=10; server_max_window_bits=10",
    "client window, no value": OFFER + "; client_max_window_bits",
}
for g, (how, offer) in enumerate(OFFERS.items(), 1):
    for n, (name, payload) in enumerate(PAYLOADS.items(), 1):
        @case(f"12.{g}.{n}", f"{how}: {name}, whole, twice, and in fragments")
        def payloads(port, offer=offer, payload=payload):
            with agreed(port, offer, timeout=20) as p:
                assert p.deflater, "compression was not agreed"
                for pieces in (1, 1, 3):
                    exchange(p, TEXT, payload, pieces)
                exchange(p, BINARY, payload)
                ends(p)


@case("12.7.1", "random bytes, which do not get smaller")
def incompressible(port):
    with agreed(port, timeout=20) as p:
        for size in (1, 100, 70000, 1 << 20):
            exchange(p, BINARY, os.urandom(size))
        ends(p)


@case("12.7.2", "a thousand messages of mixed sizes")
def thousand(port):
    chance = random.Random(7692)
    with agreed(port, timeout=30) as p:
        for _ in range(1000):
            exchange(p, TEXT, b"line %d " % chance.randrange(10) * chance.randrange(1, 200))
        ends(p)


@case("12.7.3", "compressed, plain, compressed")
def mixed(port):
    with agreed(port) as p:
        for _ in range(3):
            exchange(p, TEXT, b"compressed " * 20)
            p.send(TEXT, b"plain")
            assert p.read() == (TEXT, b"plain")
        ends(p)


@case("12.7.4", "a ping between compressed fragments")
def ping_between(port):
    with agreed(port) as p:
        data = p.deflater.deflate(b"fragment " * 50)
        p.raw(frame(TEXT, data[:5], fin=False, rsv=4) + frame(PING, b"!") + frame(CONTINUATION, data[5:]))
        assert p.read() == (PONG, b"!")
        assert p.read() == (TEXT, b"fragment " * 50)
        ends(p)


@case("12.7.5", "one byte at a time")
def slowly(port):
    with agreed(port) as p:
        p.slowly(frame(TEXT, p.deflater.deflate(b"slow " * 100), rsv=4))
        assert p.read() == (TEXT, b"slow " * 100)
        ends(p)


for number, (name, flush) in enumerate({"stored blocks": 0, "best compression": 9}.items(), 6):
    @case(f"12.7.{number}", name)
    def levels(port, level=flush):
        with agreed(port) as p:
            p.send(TEXT, p.deflater.deflate(b"level " * 400, level), rsv=4)
            assert p.read() == (TEXT, b"level " * 400)
            ends(p)


@case("12.7.8", "a message that ends with a final block")
def final_block(port):
    with agreed(port, OFFER + "; client_no_context_takeover") as p:
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        data = packer.compress(b"final " * 10) + packer.flush(zlib.Z_FINISH) + b"\x00"
        p.send(TEXT, data, rsv=4)
        assert p.read() == (TEXT, b"final " * 10)
        ends(p)


def parameters(port, offer):
    with agreed(port, offer) as p:
        answer = p.deflater.parameters if p.deflater else None
        ends(p)
    return answer


@case("13.1", "nothing is agreed that was not offered")
def not_offered(port):
    with Peer(port) as p:
        assert "sec-websocket-extensions" not in p.headers
        p.send(TEXT, b"x", rsv=4)
        fails(p, 1002)


GOOD = {
    OFFER: {},
    OFFER + "; server_no_context_takeover": {"server_no_context_takeover"},
    OFFER + "; server_max_window_bits=12": {"server_max_window_bits"},
    OFFER + "; server_max_window_bits=15": set(),
    OFFER + '; server_max_window_bits="12"': {"server_max_window_bits"},
    "PerMessage-Deflate": set(),
    "x-unknown; a=b, " + OFFER: set(),
    OFFER + "; server_max_window_bits=99, " + OFFER: set(),
    OFFER + "; unknown_parameter, " + OFFER: set(),
}
for number, (offer, needed) in enumerate(GOOD.items(), 2):
    @case(f"13.{number}", f"agreed: {offer}")
    def good(port, offer=offer, needed=needed):
        answer = parameters(port, offer)
        assert answer is not None, "not agreed"
        assert set(needed) <= set(answer), f"answered {answer}"
        if "client_max_window_bits" not in offer:
            assert "client_max_window_bits" not in answer, "a parameter the client did not offer"


BAD = ["; server_max_window_bits=7", "; server_max_window_bits=16", "; server_max_window_bits", "; server_max_window_bits=08",
       "; server_max_window_bits=x", "; client_max_window_bits=7", "; client_max_window_bits=16", "; client_max_window_bits=",
       "; server_no_context_takeover=1", "; client_no_context_takeover=true", "; unknown", "; server_max_window_bits=10; server_max_window_bits=11",
       "; server_no_context_takeover; server_no_context_takeover"]
for number, offer in enumerate(BAD, 20):
    @case(f"13.{number}", f"declined: {OFFER}{offer}")
    def bad(port, offer=offer):
        with Peer(port, handshake=False) as p:
            from peer import request
            p.raw(request(headers=[("Sec-WebSocket-Extensions", OFFER + offer)]))
            p.read_head()
            assert p.status == 400 or (p.status == 101 and "sec-websocket-extensions" not in p.headers), p.headers


@case("14.1", "RSV1 on a continuation is refused")
def rsv_on_continuation(port):
    with agreed(port) as p:
        data = p.deflater.deflate(b"abc" * 50)
        p.raw(frame(TEXT, data[:4], fin=False, rsv=4) + frame(CONTINUATION, data[4:], rsv=4))
        fails(p, 1002)


@case("14.2", "RSV1 on a control frame is refused")
def rsv_on_control(port):
    with agreed(port) as p:
        p.send(PING, b"", rsv=4)
        fails(p, 1002)


@case("14.3", "RSV2 and RSV3 are refused still")
def other_bits(port):
    for rsv in (1, 2, 5, 6, 7):
        with agreed(port) as p:
            p.send(TEXT, p.deflater.deflate(b"x"), rsv=rsv)
            fails(p, 1002)


@case("14.4", "what does not inflate is refused")
def garbage(port):
    for data in (b"\xff" * 50, b"\x07" * 10, b"\x00\x01\x00\x00\x00"):
        with agreed(port) as p:
            p.send(BINARY, data, rsv=4)
            fails(p, (1002, 1007))


@case("14.5", "text that is not UTF-8 after inflation is refused")
def bad_text(port):
    with agreed(port) as p:
        p.send(TEXT, p.deflater.deflate("κόσμε".encode() + b"\xed\xa0\x80edited"), rsv=4)
        fails(p, 1007)


@case("14.6", "a bomb is ended: 64 MiB is the limit, whatever it was on the wire")
def bomb(port):
    with agreed(port, timeout=30) as p:
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        data = b"".join(packer.compress(b"\0" * (1 << 20)) for _ in range(200)) + packer.flush(zlib.Z_SYNC_FLUSH)
        try:
            p.send(BINARY, data[:-4], rsv=4)
        except Gone:
            pass
        fails(p, 1009)


@case("14.7", "a distance beyond the agreed window is refused or inflated right")
def window(port):
    with agreed(port, OFFER + "; client_max_window_bits=9") as p:
        if not p.deflater:
            return
        far = os.urandom(20000)
        wide = Deflater(OFFER)
        p.send(BINARY, wide.deflate(far + far[:1000]), rsv=4)
        try:
            assert p.read() == (BINARY, far + far[:1000])
        except (Gone, zlib.error, AssertionError):
            pass


@case("14.8", "without takeover, a message that refers to the one before is refused")
def takeover(port):
    with agreed(port, OFFER + "; client_no_context_takeover") as p:
        if "client_no_context_takeover" not in p.deflater.parameters:
            return
        keeps = Deflater(OFFER)
        first, second = keeps.deflate(b"remember this sentence"), keeps.deflate(b"remember this sentence")
        p.send(TEXT, first, rsv=4)
        assert p.read() == (TEXT, b"remember this sentence")
        p.send(TEXT, second, rsv=4)
        fails(p, (1002, 1007))
