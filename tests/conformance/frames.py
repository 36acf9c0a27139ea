# SPDX-License-Identifier: MIT
"""RFC 6455 by case: framing, pings, reserved bits, opcodes, fragmentation, closing, limits."""
import time

from peer import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Gone, Peer, close_payload, frame
from runner import case, echoes, ends, expect_close, expect_end, fails, gone


# 1 Framing

def framing(kind, name, group):
    sizes = [0, 1, 125, 126, 127, 128, 65535, 65536]
    for i, size in enumerate(sizes, 1):
        @case(f"{group}.{i}", f"{name} of {size} bytes")
        def whole(port, size=size):
            with Peer(port) as p:
                echoes(p, kind, b"*" * size)
                ends(p)

    @case(f"{group}.{len(sizes) + 1}", f"{name} of 65536 bytes in chunks of 997")
    def chopped(port):
        with Peer(port) as p:
            p.slowly(frame(kind, b"*" * 65536), 997)
            assert p.read() == (kind, b"*" * 65536)
            ends(p)

    @case(f"{group}.{len(sizes) + 2}", f"{name} one byte at a time")
    def octets(port):
        with Peer(port) as p:
            p.slowly(frame(kind, b"octets" * 30))
            assert p.read() == (kind, b"octets" * 30)
            ends(p)


framing(TEXT, "text", "1.1")
framing(BINARY, "binary", "1.2")


@case("1.3.1", "a mask of zeros is a mask")
def zero_mask(port):
    with Peer(port) as p:
        p.send(TEXT, b"plain", key=b"\0\0\0\0")
        assert p.read() == (TEXT, b"plain")
        ends(p)


@case("1.3.2", "an unmasked frame is refused")
def unmasked(port):
    with Peer(port) as p:
        p.send(TEXT, b"bare", masked=False)
        fails(p, 1002)


for number, (size, bits) in enumerate([(5, 16), (125, 16), (5, 64), (126, 64), (65535, 64)], 3):
    @case(f"1.3.{number}", f"{size} bytes with a {bits}-bit length are refused")
    def longer_than_needed(port, size=size, bits=bits):
        with Peer(port) as p:
            p.send(BINARY, b"x" * size, length=bits)
            fails(p, 1002)


@case("1.3.8", "a length with its highest bit set is refused")
def negative_length(port):
    with Peer(port) as p:
        p.raw(b"\x82\xff" + b"\xff" * 8 + b"mask")
        fails(p, (1002, 1009))


@case("1.3.9", "a length beyond the limit is refused before its payload comes")
def absurd_length(port):
    with Peer(port) as p:
        p.raw(b"\x82\xff" + (1 << 40).to_bytes(8, "big") + b"mask" + b"first bytes")
        fails(p, 1009)


# 2 Pings and pongs

for number, payload in enumerate([b"", b"Hello, world!", bytes([0, 255, 254, 253, 252, 251, 0, 255]), b"\xfe" * 125], 1):
    @case(f"2.{number}", f"a ping of {len(payload)} bytes is answered")
    def ping(port, payload=payload):
        with Peer(port) as p:
            p.send(PING, payload)
            assert p.read() == (PONG, payload)
            ends(p)


@case("2.5", "a ping of 126 bytes is refused")
def large_ping(port):
    with Peer(port) as p:
        p.send(PING, b"\xfe" * 126)
        fails(p, 1002)


@case("2.6", "a ping one byte at a time")
def slow_ping(port):
    with Peer(port) as p:
        p.slowly(frame(PING, b"\xfe" * 125))
        assert p.read() == (PONG, b"\xfe" * 125)
        ends(p)


for number, payload in enumerate([b"", b"unsolicited"], 7):
    @case(f"2.{number}", f"an unsolicited pong of {len(payload)} bytes is ignored")
    def pong(port, payload=payload):
        with Peer(port) as p:
            p.send(PONG, payload)
            ends(p)


@case("2.9", "an unsolicited pong, then a ping")
def pong_then_ping(port):
    with Peer(port) as p:
        p.raw(frame(PONG, b"unsolicited") + frame(PING, b"ping"))
        assert p.read() == (PONG, b"ping")
        ends(p)


@case("2.10", "ten pings are answered in order")
def ten_pings(port):
    with Peer(port) as p:
        for i in range(10):
            p.send(PING, b"payload-%d" % i)
        for i in range(10):
            assert p.read() == (PONG, b"payload-%d" % i)
        ends(p)


@case("2.11", "ten pings, one byte at a time")
def ten_slow_pings(port):
    with Peer(port) as p:
        p.slowly(b"".join(frame(PING, b"payload-%d" % i) for i in range(10)))
        for i in range(10):
            assert p.read() == (PONG, b"payload-%d" % i)
        ends(p)


# 3 Reserved bits

for rsv in range(1, 8):
    for opcode, name in ((TEXT, "text"), (BINARY, "binary"), (PING, "ping"), (CLOSE, "close")):
        @case(f"3.{rsv}.{opcode}", f"reserved bits {rsv:03b} in a {name} frame are refused, what came before is echoed")
        def reserved_bits(port, rsv=rsv, opcode=opcode):
            with Peer(port) as p:
                p.raw(frame(TEXT, b"before") + frame(opcode, b"", rsv=rsv) + frame(TEXT, b"after"))
                assert p.read() == (TEXT, b"before")
                fails(p, 1002)


# 4 Opcodes

for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
    group = 1 if opcode < 8 else 2
    for payload in (b"", b"reserved opcode"):
        @case(f"4.{group}.{opcode}.{1 if payload else 0}", f"opcode {opcode}, {len(payload)} bytes, after a text that is echoed")
        def reserved_opcode(port, opcode=opcode, payload=payload):
            with Peer(port) as p:
                p.raw(frame(TEXT, b"before") + frame(opcode, payload) + frame(PING))
                assert p.read() == (TEXT, b"before")
                fails(p, 1002)


# 5 Fragmentation

for number, opcode in ((1, PING), (2, PONG)):
    @case(f"5.{number}", "a control frame in fragments is refused")
    def fragmented_control(port, opcode=opcode):
        with Peer(port) as p:
            p.raw(frame(opcode, b"frag", fin=False) + frame(CONTINUATION, b"ment"))
            fails(p, 1002)


for number, (name, send) in enumerate([
        ("at once", lambda p, data: p.raw(data)),
        ("frame by frame", lambda p, data: (p.raw(data[:11]), time.sleep(0.01), p.raw(data[11:]))),
        ("one byte at a time", lambda p, data: p.slowly(data))], 3):
    @case(f"5.{number}", f"text in two fragments, {name}")
    def two_fragments(port, send=send):
        with Peer(port) as p:
            send(p, frame(TEXT, b"frag1", fin=False) + frame(CONTINUATION, b"frag2"))
            assert p.read() == (TEXT, b"frag1frag2")
            ends(p)


for number, send in ((6, lambda p, data: p.raw(data)), (7, lambda p, data: p.slowly(data, 3)), (8, lambda p, data: p.slowly(data))):
    @case(f"5.{number}", "a ping between two fragments is answered first")
    def ping_between(port, send=send):
        with Peer(port) as p:
            send(p, frame(TEXT, b"frag1", fin=False) + frame(PING, b"ping") + frame(CONTINUATION, b"frag2"))
            assert p.read() == (PONG, b"ping")
            assert p.read() == (TEXT, b"frag1frag2")
            ends(p)


for number, (fin, send) in enumerate([
        (True, lambda p, data: p.raw(data)), (True, lambda p, data: p.slowly(data, 2)), (True, lambda p, data: p.slowly(data)),
        (False, lambda p, data: p.raw(data)), (False, lambda p, data: p.slowly(data, 2)), (False, lambda p, data: p.slowly(data))], 9):
    @case(f"5.{number}", f"a continuation (FIN {int(fin)}) of nothing is refused")
    def continuation_of_nothing(port, fin=fin, send=send):
        with Peer(port) as p:
            try:
                send(p, frame(CONTINUATION, b"nothing", fin=fin) + frame(TEXT, b"Hello"))
            except Gone:
                pass
            fails(p, 1002)


@case("5.15", "a whole message is echoed before the continuation of nothing that follows is refused")
def message_then_continuation(port):
    with Peer(port) as p:
        p.raw(frame(TEXT, b"frag1", fin=False) + frame(CONTINUATION, b"frag2") +
              frame(CONTINUATION, b"nothing", fin=False) + frame(TEXT, b"Hello"))
        assert p.read() == (TEXT, b"frag1frag2")
        fails(p, 1002)


for number, fin in ((16, False), (17, True)):
    @case(f"5.{number}", "a continuation of nothing, a text in fragments, twice")
    def continuation_first(port, fin=fin):
        with Peer(port) as p:
            p.raw((frame(CONTINUATION, b"1", fin=fin) + frame(TEXT, b"2", fin=False) + frame(CONTINUATION, b"3")) * 2)
            fails(p, 1002)


@case("5.18", "a new text inside a fragmented one is refused")
def text_inside_text(port):
    with Peer(port) as p:
        p.raw(frame(TEXT, b"frag1", fin=False) + frame(TEXT, b"frag2"))
        fails(p, 1002)


for number, pause in ((19, 0.0), (20, 0.05)):
    @case(f"5.{number}", "five fragments with pings between" + (", and pauses" if pause else ""))
    def five_fragments(port, pause=pause):
        with Peer(port) as p:
            p.raw(frame(TEXT, b"frag1", fin=False) + frame(CONTINUATION, b"frag2", fin=False) + frame(PING, b"ping 1"))
            time.sleep(pause)
            p.raw(frame(CONTINUATION, b"frag3", fin=False) + frame(CONTINUATION, b"frag4", fin=False) +
                  frame(PING, b"ping 2") + frame(CONTINUATION, b"frag5"))
            assert p.read() == (PONG, b"ping 1")
            assert p.read() == (PONG, b"ping 2")
            assert p.read() == (TEXT, b"frag1frag2frag3frag4frag5")
            ends(p)


@case("5.21", "empty fragments around a payload")
def empty_fragments(port):
    with Peer(port) as p:
        p.raw(frame(BINARY, b"", fin=False) + frame(CONTINUATION, b"", fin=False) + frame(CONTINUATION, b"x", fin=False) +
              frame(CONTINUATION, b""))
        assert p.read() == (BINARY, b"x")
        ends(p)


@case("5.22", "a message of empty fragments only")
def only_empty_fragments(port):
    with Peer(port) as p:
        p.raw(frame(TEXT, b"", fin=False) + frame(CONTINUATION, b"", fin=False) + frame(CONTINUATION, b""))
        assert p.read() == (TEXT, b"")
        ends(p)


@case("5.23", "a flood of empty fragments is ended")
def flood_of_empty_fragments(port):
    with Peer(port) as p:
        try:
            p.raw(frame(TEXT, b"", fin=False) + frame(CONTINUATION, b"", fin=False) * 100000)
        except Gone:
            pass
        fails(p, 1008)


# 7 Closing

@case("7.1.1", "a message, then a close")
def message_then_close(port):
    with Peer(port) as p:
        p.raw(frame(TEXT, b"Hello World!") + frame(CLOSE, close_payload(1000)))
        assert p.read() == (TEXT, b"Hello World!")
        expect_end(p, 1000)


@case("7.1.2", "two closes: one answer")
def two_closes(port):
    with Peer(port) as p:
        p.raw(frame(CLOSE, close_payload(1000)) * 2)
        expect_end(p, 1000)


for number, (name, after) in enumerate([
        ("a ping", frame(PING)), ("a text", frame(TEXT, b"Hello")), ("the rest of a message", frame(CONTINUATION, b"fragment2"))], 3):
    @case(f"7.1.{number}", f"{name} behind the close is ignored")
    def after_close(port, after=after, number=number):
        with Peer(port) as p:
            before = frame(TEXT, b"fragment1", fin=False) if number == 5 else b""
            p.raw(before + frame(CLOSE, close_payload(1000)) + after)
            expect_end(p, 1000)


@case("7.1.6", "a large message is echoed before the close is")
def large_then_close(port):
    with Peer(port) as p:
        p.raw(frame(TEXT, b"BAsd7&jh23" * 26000) + frame(TEXT, b"Hello World!") + frame(CLOSE, close_payload(1000)) + frame(PING))
        assert p.read() == (TEXT, b"BAsd7&jh23" * 26000)
        assert p.read() == (TEXT, b"Hello World!")
        expect_end(p, 1000)


@case("7.3.1", "a close without a code")
def bare_close(port):
    with Peer(port) as p:
        p.send(CLOSE)
        expect_end(p, None)


@case("7.3.2", "a close with one byte is refused")
def one_byte_close(port):
    with Peer(port) as p:
        p.send(CLOSE, b"a")
        fails(p, 1002)


for number, reason in ((3, b""), (4, b"Hello World!"), (5, b"*" * 123), (6, "긴 이유: ".encode() * 9)):
    @case(f"7.3.{number}", f"a close with a reason of {len(reason)} bytes")
    def close_reason(port, reason=reason):
        with Peer(port) as p:
            p.send(CLOSE, close_payload(1000, reason))
            expect_end(p, 1000)


@case("7.3.7", "a close of 126 bytes is refused")
def large_close(port):
    with Peer(port) as p:
        p.send(CLOSE, close_payload(1000, b"*" * 124))
        fails(p, 1002)


for number, reason in enumerate([b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited", b"\xff", b"ok\xc3"], 1):
    @case(f"7.5.{number}", "a reason that is not UTF-8 is refused")
    def bad_reason(port, reason=reason):
        with Peer(port) as p:
            p.send(CLOSE, close_payload(1000, reason))
            fails(p, 1007)


@case("7.5.4", "a valid reason, one byte at a time")
def slow_reason(port):
    with Peer(port) as p:
        p.slowly(frame(CLOSE, close_payload(1000, "κόσμε".encode())))
        expect_end(p, 1000)


for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999):
    @case(f"7.7.{code}", f"close {code} is answered")
    def good_code(port, code=code):
        with Peer(port) as p:
            p.send(CLOSE, close_payload(code))
            expect_end(p, code)


for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535):
    for reason in (b"", b"reason"):
        @case(f"7.9.{code}.{1 if reason else 0}", f"close {code} is refused")
        def bad_code(port, code=code, reason=reason):
            with Peer(port) as p:
                p.send(CLOSE, close_payload(code, reason))
                fails(p, 1002)


@case("7.10.1", "a failed connection is ended by the server, even if the peer does nothing")
def ends_by_itself(port):
    with Peer(port) as p:
        p.send(3)
        expect_close(p, 1002)
        gone(p, 8.0)


# 9 Limits and sizes

for kind, name, group in ((TEXT, "text", 1), (BINARY, "binary", 2)):
    for number, size in enumerate([1 << 16, 1 << 18, 1 << 20, 1 << 22, 1 << 23, 1 << 24], 1):
        @case(f"9.{group}.{number}", f"{name} of {size >> 10} KiB")
        def large(port, kind=kind, size=size):
            with Peer(port, timeout=30) as p:
                echoes(p, kind, b"*" * size)
                ends(p)
    for number, size in enumerate([64, 256, 1024, 4096, 65536, 1 << 20], 1):
        @case(f"9.{group + 2}.{number}", f"{name} of 4 MiB in fragments of {size}")
        def fragments(port, kind=kind, size=size):
            data = b"*" * (1 << 22) if size > 4096 else b"*" * min(1 << 22, size * 1000)
            with Peer(port, timeout=30) as p:
                p.raw(b"".join(frame(kind if at == 0 else CONTINUATION, data[at:at + size], fin=at + size >= len(data))
                               for at in range(0, len(data), size)))
                assert p.read() == (kind, data)
                ends(p)
    for number, size in enumerate([64, 512, 1024, 65536], 1):
        @case(f"9.{group + 4}.{number}", f"{name} of 1 MiB in chunks of {size} bytes")
        def chunks(port, kind=kind, size=size):
            with Peer(port, timeout=30) as p:
                p.slowly(frame(kind, b"*" * (1 << 20)), size)
                assert p.read() == (kind, b"*" * (1 << 20))
                ends(p)
    for number, size in enumerate([0, 16, 64, 256, 1024, 4096], 1):
        @case(f"9.{group + 6}.{number}", f"a thousand {name} messages of {size} bytes")
        def thousand(port, kind=kind, size=size):
            with Peer(port, timeout=30) as p:
                for _ in range(1000):
                    echoes(p, kind, b"*" * size)
                ends(p)


@case("10.1.1", "64 KiB in fragments of 1300 bytes")
def fragments_of_1300(port):
    data = b"*" * 65536
    with Peer(port) as p:
        p.raw(b"".join(frame(TEXT if at == 0 else CONTINUATION, data[at:at + 1300], fin=at + 1300 >= len(data))
                       for at in range(0, len(data), 1300)))
        assert p.read() == (TEXT, data)
        ends(p)
