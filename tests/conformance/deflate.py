# SPDX-License-Identifier: MIT
"""RFC 7692 by case: payloads, parameters, offers to decline, reserved bits, malformed data, fragments, bombs."""
import json
import random
import re
import zlib

from peer import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Peer, frame
from runner import case, ends, fails

TAIL = b"\x00\x00\xff\xff"
RSV1 = 4
OFFER = "permessage-deflate"
LIMIT = 64 << 20


class Deflated(Peer):
    """A connection with permessage-deflate, on the terms that the server's answer states."""

    def __init__(self, port, offer=OFFER, level=6, timeout=30.0):
        super().__init__(port, timeout=timeout, headers=[("Sec-WebSocket-Extensions", offer)])
        self.level = level
        self.terms = self.parse(self.headers["sec-websocket-extensions"])
        self.offered = re.search(r"client_max_window_bits=(\d+)", offer)
        self.deflater = self.new_deflater()
        self.inflater = zlib.decompressobj(-self.bits("server"))
        self.deflated_frames = self.plain_frames = 0

    @staticmethod
    def parse(value):
        name, *parameters = [part.strip() for part in value.split(";")]
        assert name == "permessage-deflate" and "," not in value, f"the answer is {value}"
        pairs = [(part.partition("=")[0], part.partition("=")[2]) for part in parameters]
        assert len(dict(pairs)) == len(pairs), f"a parameter is there twice: {value}"
        for key, text in pairs:
            if key in ("server_max_window_bits", "client_max_window_bits"):
                assert text in [str(bits) for bits in range(8, 16)], f"{key} is {text!r}"
            else:
                assert key in ("server_no_context_takeover", "client_no_context_takeover") and text == "", value
        return dict(pairs)

    def bits(self, side):
        return int(self.terms.get(f"{side}_max_window_bits", 15))

    def new_deflater(self):
        """zlib takes 9 for 8, as clients made with it do."""
        bits = min(self.bits("client"), int(self.offered.group(1)) if self.offered else 15)
        return zlib.compressobj(self.level, zlib.DEFLATED, -max(9, bits))

    def deflate(self, payload):
        if "client_no_context_takeover" in self.terms:
            self.deflater = self.new_deflater()
        return (self.deflater.compress(payload) + self.deflater.flush(zlib.Z_SYNC_FLUSH))[:-len(TAIL)]

    def inflate(self, data):
        if "server_no_context_takeover" in self.terms:
            self.inflater = zlib.decompressobj(-self.bits("server"))
        return self.inflater.decompress(data + TAIL)

    def send_deflated(self, kind, payload, size=None):
        """In one frame, or in fragments of this size on the wire."""
        self.send_raw_message(kind, self.deflate(payload), size)

    def send_raw_message(self, kind, data, size=None):
        size = size or max(1, len(data))
        parts = [data[at:at + size] for at in range(0, len(data), size)] or [b""]
        self.raw(b"".join(frame(CONTINUATION if i else kind, part, fin=i == len(parts) - 1, rsv=0 if i else RSV1)
                          for i, part in enumerate(parts)))

    def read(self, timeout=None):
        parts, kind, deflated = [], None, False
        while True:
            fin, rsv, opcode, payload = self.read_frame(timeout)
            if opcode >= 8:
                assert rsv == 0, "reserved bits on a control frame"
                return opcode, payload
            if opcode == CONTINUATION:
                assert rsv == 0 and kind is not None, "reserved bits on a continuation"
            else:
                assert rsv in (0, RSV1) and kind is None, f"reserved bits {rsv}"
                kind, deflated = opcode, rsv == RSV1
            parts.append(payload)
            if fin:
                data = b"".join(parts)
                self.deflated_frames += deflated
                self.plain_frames += not deflated
                return kind, self.inflate(data) if deflated else data


def echoes(peer, kind, payload, size=None):
    peer.send_deflated(kind, payload, size)
    answer = peer.read()
    assert answer == (kind, payload), f"not the echo but {answer[0]}, {len(answer[1])} bytes"


def declined(port, offer):
    """The connection is opened without compression, and works."""
    with Peer(port, headers=[("Sec-WebSocket-Extensions", value) for value in ([offer] if isinstance(offer, str) else offer)]) as p:
        assert "sec-websocket-extensions" not in p.headers, p.headers
        p.send(TEXT, b"plain")
        assert p.read() == (TEXT, b"plain")
        ends(p)


# 12 Payloads

RANDOM = random.Random(7692)
WORDS = ["swale", "channel", "layer", "group", "consumer", "κανάλι", "канал", "水路", "🌊", "the", "of", "and", "a", "in", "to"]


def cut(text, size):
    return text.encode()[:size].decode("utf-8", "ignore").encode()


def text_of(size):
    words = RANDOM.choices(WORDS, k=size // 2)
    return cut("".join(word + RANDOM.choice([" ", ", ", ".\n"]) for word in words), size)


def json_of(size):
    rows, length = [], 0
    while length < size:
        rows.append(json.dumps({"id": RANDOM.randrange(1 << 30), "type": "notify", "message": RANDOM.choice(WORDS), "seen": False}))
        length += len(rows[-1].encode()) + 1
    return cut(",".join(rows), size)


def noise_of(size):
    return RANDOM.randbytes(size)


def picture_of(size):
    """Rows of pixels that change a little, in noise of a few bits."""
    noise = RANDOM.randbytes(size)
    return bytes((at % 512 // 4 + at // 512 + (noise[at] & 3)) & 255 for at in range(size))


SIZES = [16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072]
PAYLOADS = [("JSON", TEXT, json_of), ("a picture", BINARY, picture_of), ("prose", TEXT, text_of), ("noise", BINARY, noise_of),
            ("zeros", BINARY, bytes)]


def count_for(size):
    return max(5, min(200, (1 << 19) // size))


for group, (name, kind, make) in enumerate(PAYLOADS, 1):
    for number, size in enumerate(SIZES, 1):
        @case(f"12.{group}.{number}", f"{count_for(size)} messages of {size} bytes of {name}")
        def payloads(port, kind=kind, make=make, size=size):
            messages = [make(size) for _ in range(3)]
            with Deflated(port) as p:
                for i in range(count_for(size)):
                    echoes(p, kind, messages[i % 3])
                ends(p)

    for number, (size, fragment) in enumerate([(8192, 256), (16384, 256), (32768, 256), (65536, 256), (131072, 256),
                                               (131072, 1024), (131072, 4096), (131072, 32768)], 11):
        @case(f"12.{group}.{number}", f"20 messages of {size} bytes of {name} in fragments of {fragment}")
        def fragmented(port, kind=kind, make=make, size=size, fragment=fragment):
            with Deflated(port) as p:
                message = make(size)
                for _ in range(20):
                    echoes(p, kind, message, fragment)
                ends(p)


@case("12.6.1", "what can be compressed comes back compressed")
def comes_back_compressed(port):
    with Deflated(port) as p:
        for _ in range(10):
            echoes(p, TEXT, b"the same words again and again, " * 20)
        assert p.deflated_frames == 10, f"{p.plain_frames} of 10 messages were not compressed"
        ends(p)


@case("12.6.2", "a message that is not compressed, among those that are")
def mixed(port):
    with Deflated(port) as p:
        for i in range(20):
            payload = b"some text of the same kind %d" % i
            if i % 3:
                echoes(p, TEXT, payload)
            else:
                p.send(TEXT, payload)
                assert p.read() == (TEXT, payload)
        ends(p)


@case("12.6.3", "the largest message there may be")
def largest(port):
    block = noise_of(1 << 12)
    with Deflated(port, level=1, timeout=60) as p:
        echoes(p, BINARY, block * (LIMIT >> 12))
        ends(p)


# 13 Parameters

NO_TAKEOVER = "; client_no_context_takeover; server_no_context_takeover"
PARAMETERS = [
    ("no parameters", OFFER, {}),
    ("a server without takeover", OFFER + "; server_no_context_takeover", {"server_no_context_takeover": ""}),
    ("a client that can limit its window", OFFER + "; client_max_window_bits", {}),
    ("the server's smallest window", OFFER + "; server_max_window_bits=9", {"server_max_window_bits": ("9",)}),
    ("the server's largest window", OFFER + "; server_max_window_bits=15",
     {"server_max_window_bits": tuple(str(bits) for bits in range(8, 16))}),
    ("all of it, the smallest", OFFER + "; client_max_window_bits=9; server_max_window_bits=9" + NO_TAKEOVER,
     {"server_no_context_takeover": "", "server_max_window_bits": ("9", "8")}),
    ("a small window without takeover, or else anything",
     f"{OFFER}; server_no_context_takeover; server_max_window_bits=9, {OFFER}; server_no_context_takeover, {OFFER}",
     {"server_no_context_takeover": ""}),
    ("a client with the smallest window", OFFER + "; client_max_window_bits=8", {}),
    ("a client without takeover", OFFER + "; client_no_context_takeover", {}),
]

for group, (name, offer, required) in enumerate(PARAMETERS, 1):
    @case(f"13.{group}.0", f"{name}: the answer")
    def negotiated(port, offer=offer, required=required):
        with Deflated(port, offer) as p:
            for key, allowed in required.items():
                assert key in p.terms, f"{key} is missing in {p.terms}"
                assert p.terms[key] in (allowed or ("",)), f"{key} is {p.terms[key]}"
            if "client_max_window_bits" not in offer:
                assert "client_max_window_bits" not in p.terms, "the client did not say that it can"
            ends(p)

    for number, size in enumerate(SIZES, 1):
        @case(f"13.{group}.{number}", f"{name}: messages of {size} bytes")
        def with_parameters(port, offer=offer, size=size):
            messages = [json_of(size) for _ in range(5)]
            with Deflated(port, offer) as p:
                for i in range(min(50, count_for(size))):
                    echoes(p, TEXT, messages[i % 5])
                ends(p)


GOOD_OFFERS = [
    "permessage-deflate;server_max_window_bits=10",
    'permessage-deflate; server_max_window_bits="10"',
    "permessage-deflate ; client_max_window_bits ; server_max_window_bits = 10",
    "x-unknown; a=1, permessage-deflate",
    "permessage-deflate; x-unknown, permessage-deflate",
    "permessage-deflate; server_max_window_bits=7, permessage-deflate",
    "permessage-deflate; client_max_window_bits=10; client_max_window_bits=10, permessage-deflate",
    ",, permessage-deflate",
]
for number, offer in enumerate(GOOD_OFFERS, 1):
    @case(f"13.10.{number}", f"accepted: {offer}")
    def accepted(port, offer=offer):
        with Deflated(port, offer) as p:
            if offer.count("server_max_window_bits") and "10" in offer.split("server_max_window_bits")[1]:
                assert p.bits("server") <= 10
            echoes(p, TEXT, b"hello, hello, hello")
            ends(p)


@case("13.10.20", "offers in two header lines")
def two_lines(port):
    with Peer(port, headers=[("Sec-WebSocket-Extensions", "x-unknown"), ("Sec-WebSocket-Extensions", OFFER)]) as p:
        assert p.headers["sec-websocket-extensions"].startswith("permessage-deflate")


BAD_OFFERS = [
    "permessage-deflate; unknown",
    "permessage-deflate; unknown=1",
    "permessage-deflate; server_no_context_takeover=1",
    'permessage-deflate; client_no_context_takeover="true"',
    "permessage-deflate; server_max_window_bits",
    "permessage-deflate; server_max_window_bits=7",
    "permessage-deflate; server_max_window_bits=16",
    "permessage-deflate; server_max_window_bits=0",
    "permessage-deflate; server_max_window_bits=-9",
    "permessage-deflate; server_max_window_bits=09",
    "permessage-deflate; server_max_window_bits=010",
    "permessage-deflate; server_max_window_bits=10.0",
    "permessage-deflate; server_max_window_bits=ten",
    "permessage-deflate; client_max_window_bits=7",
    "permessage-deflate; client_max_window_bits=16",
    "permessage-deflate; client_max_window_bits=08",
    "permessage-deflate; client_max_window_bits=999999999999999999999999",
    "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
    "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
    "permessage-deflate; client_max_window_bits; client_max_window_bits",
    "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
    "x-webkit-deflate-frame",
    "permessage-bzip2",
    "permessage-deflate-x",
]
for number, offer in enumerate(BAD_OFFERS, 1):
    @case(f"13.11.{number}", f"declined: {offer[:70]}")
    def not_accepted(port, offer=offer):
        declined(port, offer)


# Reserved bits.

for number, (opcode, rsv, first) in enumerate([(PING, RSV1, True), (PONG, RSV1, True), (CLOSE, RSV1, True), (TEXT, 2, True), (TEXT, 1, True),
                                               (BINARY, 3, True), (TEXT, 7, True), (CONTINUATION, RSV1, True),
                                               (CONTINUATION, RSV1, False), (3, RSV1, True), (11, RSV1, True)], 1):
    @case(f"13.12.{number}", f"opcode {opcode} with reserved bits {rsv}{'' if first else ' after a first frame'} is refused")
    def bad_bits(port, opcode=opcode, rsv=rsv, first=first):
        with Deflated(port) as p:
            if not first:
                p.send(TEXT, b"\x00", fin=False, rsv=RSV1)
            p.send(opcode, b"", rsv=rsv)
            fails(p, 1002)


@case("13.12.20", "a compressed message where nothing was agreed is refused")
def not_agreed(port):
    with Peer(port) as p:
        p.send(TEXT, b"\xf2\x48\xcd\xc9\xc9\x07\x00", rsv=RSV1)
        fails(p, 1002)


# Deflate data.

HELLO = bytes.fromhex("f248cdc9c90700")
GOOD_DATA = [
    ("one block", HELLO, b"Hello"),
    ("a stored block", bytes.fromhex("000500faff48656c6c6f00"), b"Hello"),
    ("a final block", bytes.fromhex("f348cdc9c9070000"), b"Hello"),
    ("two blocks", bytes.fromhex("f248050000 00ffffcac9c90700"), b"Hello"),
    ("a final block, and another stream", bytes.fromhex("f348cdc9c90700") + HELLO, b"HelloHello"),
    ("nothing", b"\x00", b""),
    ("many empty blocks", (b"\x00" + TAIL) * 1000 + HELLO, b"Hello"),
]
for number, (name, data, text) in enumerate(GOOD_DATA, 1):
    @case(f"13.13.{number}", f"{name}, whole and one byte at a time")
    def good_data(port, data=data, text=text):
        for offer in (OFFER, OFFER + NO_TAKEOVER):
            with Deflated(port, offer) as p:
                p.send_raw_message(TEXT, data)
                assert p.read() == (TEXT, text)
                if len(data) < 100:
                    p.slowly(frame(TEXT, data, rsv=RSV1))
                    assert p.read() == (TEXT, text)
                    p.send_raw_message(TEXT, data, 1)
                    assert p.read() == (TEXT, text)
                ends(p)


@case("13.13.20", "a message refers to the one before where the client may take it over")
def takeover(port):
    with Deflated(port) as p:
        for data in (HELLO, bytes.fromhex("f200110000")):
            p.send_raw_message(TEXT, data)
            assert p.read() == (TEXT, b"Hello")
        ends(p)


@case("13.13.21", "and may not where the client may not")
def no_takeover(port):
    with Deflated(port, OFFER + "; client_no_context_takeover") as p:
        p.send_raw_message(TEXT, HELLO)
        assert p.read() == (TEXT, b"Hello")
        p.send_raw_message(TEXT, bytes.fromhex("f200110000"))
        fails(p, 1007)


BAD_DATA = [
    ("a type of block that there is not", b"\x06"),
    ("a stored block whose lengths differ", b"\x00\x05\x00\x00\x00Hello\x00"),
    ("text", b"this is no deflate stream"),
    ("a zlib header", b"\x78\x9c" + HELLO),
    ("a distance beyond the beginning", bytes.fromhex("f200110000")),
    ("half a message", HELLO[:5]),
    ("a flush that was left in", HELLO + TAIL),
    ("text that is not UTF-8", bytes.fromhex("000200fdffc3ff00")),
    ("text that ends in the middle", bytes.fromhex("000100feffc300")),
]
for number, (name, data) in enumerate(BAD_DATA, 1):
    @case(f"13.14.{number}", f"{name} is refused")
    def bad_data(port, data=data):
        for size in (None, 1):
            with Deflated(port) as p:
                p.send_raw_message(TEXT, data, size)
                fails(p, (1002, 1007))


@case("13.14.20", "bad text is refused before the message is complete")
def fail_fast(port):
    with Deflated(port) as p:
        p.send(TEXT, p.deflate(b"abc\xff"), fin=False, rsv=RSV1)
        fails(p, 1007)


# Fragments and control frames.

@case("13.15.1", "pings between compressed fragments are answered at once")
def pings_between(port):
    with Deflated(port) as p:
        message = text_of(2000)
        data = p.deflate(message)
        for i in range(10):
            part = data[i * len(data) // 10:(i + 1) * len(data) // 10]
            p.send(CONTINUATION if i else TEXT, part, fin=i == 9, rsv=0 if i else RSV1)
            p.send(PING, b"%d" % i)
            if i < 9:
                assert p.read() == (PONG, b"%d" % i)
        answers = [p.read(), p.read()]
        assert sorted(answers) == [(TEXT, message), (PONG, b"9")], "not the echo and the last pong"
        ends(p)


@case("13.15.2", "empty fragments around compressed ones")
def empty_fragments(port):
    with Deflated(port) as p:
        data = p.deflate(b"hello, hello")
        p.raw(frame(TEXT, b"", fin=False, rsv=RSV1) + frame(CONTINUATION, data, fin=False) + frame(CONTINUATION, b""))
        assert p.read() == (TEXT, b"hello, hello")
        ends(p)


@case("13.15.3", "a close between compressed fragments")
def close_between(port):
    with Deflated(port) as p:
        p.send(TEXT, p.deflate(b"hello")[:2], fin=False, rsv=RSV1)
        ends(p)


@case("13.15.4", "messages one byte at a time")
def octets(port):
    with Deflated(port) as p:
        for _ in range(3):
            message = text_of(300)
            p.slowly(frame(TEXT, p.deflate(message), rsv=RSV1))
            assert p.read() == (TEXT, message)
        ends(p)


# Bombs.

def bomb(size):
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = bytes(1 << 20)
    data = b"".join(deflater.compress(block) for _ in range(size >> 20))
    return data + deflater.flush(zlib.Z_SYNC_FLUSH)[:-len(TAIL)]


@case("13.16.1", "a message that inflates beyond the limit is refused")
def too_large(port):
    with Deflated(port) as p:
        p.send_raw_message(BINARY, bomb(LIMIT + (1 << 20)))
        fails(p, 1009)


@case("13.16.2", "so is one in fragments, before the last has come")
def too_large_in_fragments(port):
    with Deflated(port) as p:
        data = bomb(LIMIT + (2 << 20))
        p.raw(b"".join(frame(CONTINUATION if at else BINARY, data[at:at + 1000], fin=False, rsv=0 if at else RSV1)
                       for at in range(0, len(data), 1000)))
        fails(p, 1009)


@case("13.16.3", "a frame longer than any message could be is refused before its payload comes")
def absurd_length(port):
    with Deflated(port) as p:
        p.raw(b"\xc2\xff" + (1 << 40).to_bytes(8, "big") + b"mask" + b"\x00")
        fails(p, 1009)
