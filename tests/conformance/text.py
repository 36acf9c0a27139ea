# SPDX-License-Identifier: MIT
"""RFC 6455 section 8.1 by case: text is UTF-8, and what is not is refused as soon as the bad byte is in."""
import time

from peer import CONTINUATION, TEXT, Gone, Peer, frame
from runner import case, ends, fails

GREEK = "Hello-µ@ßöäüàá-UTF-8!!".encode()
VALID = {
    "two to four bytes": "κόσμε 한글 😀".encode(),
    "first of each length": "\u0000\u0080\u0800\U00010000".encode(),
    "last of each length": "\u007f\u07ff\uffff\U0010ffff".encode(),
    "around the surrogates": "\ud7ff\ue000\ufffd".encode(),
    "non-characters": "\ufffe\uffff\U0001fffe\U0010fffe".encode(),
}
INVALID = {
    "a lone continuation byte": b"\x80",
    "the last continuation byte": b"\xbf",
    "two continuation bytes": b"\x80\xbf",
    "a lonely start of two": b"\xc2 ",
    "a lonely start of three": b"\xe1 ",
    "a lonely start of four": b"\xf1 ",
    "overlong slash in two": b"\xc0\xaf",
    "overlong slash in three": b"\xe0\x80\xaf",
    "overlong slash in four": b"\xf0\x80\x80\xaf",
    "overlong slash in five": b"\xf8\x80\x80\x80\xaf",
    "overlong slash in six": b"\xfc\x80\x80\x80\x80\xaf",
    "largest overlong of two": b"\xc1\xbf",
    "largest overlong of three": b"\xe0\x9f\xbf",
    "largest overlong of four": b"\xf0\x8f\xbf\xbf",
    "overlong NUL": b"\xc0\x80",
    "first surrogate": b"\xed\xa0\x80",
    "last high surrogate": b"\xed\xaf\xbf",
    "first low surrogate": b"\xed\xb0\x80",
    "last surrogate": b"\xed\xbf\xbf",
    "a pair of surrogates": b"\xed\xa0\x80\xed\xb0\x80",
    "beyond U+10FFFF": b"\xf4\x90\x80\x80",
    "F5": b"\xf5\x80\x80\x80",
    "FE": b"\xfe",
    "FF": b"\xff",
    "five bytes": b"\xf8\x88\x80\x80\x80",
    "six bytes": b"\xfc\x84\x80\x80\x80\x80",
}


@case("6.1.1", "empty text")
def empty(port):
    with Peer(port) as p:
        p.send(TEXT)
        assert p.read() == (TEXT, b"")
        ends(p)


@case("6.1.2", "three empty fragments")
def empty_fragments(port):
    with Peer(port) as p:
        p.raw(frame(TEXT, fin=False) + frame(CONTINUATION, fin=False) + frame(CONTINUATION))
        assert p.read() == (TEXT, b"")
        ends(p)


@case("6.2.1", "valid text in one, two, and many fragments")
def valid_fragments(port):
    with Peer(port) as p:
        for at in range(len(GREEK) + 1):
            p.raw(frame(TEXT, GREEK[:at], fin=False) + frame(CONTINUATION, GREEK[at:]))
            assert p.read() == (TEXT, GREEK)
        p.raw(b"".join(frame(TEXT if i == 0 else CONTINUATION, GREEK[i:i + 1], fin=i + 1 == len(GREEK)) for i in range(len(GREEK))))
        assert p.read() == (TEXT, GREEK)
        ends(p)


for number, (name, text) in enumerate(VALID.items(), 1):
    @case(f"6.5.{number}", f"valid: {name}, whole, split at every byte, and byte by byte")
    def valid(port, text=text):
        with Peer(port) as p:
            p.send(TEXT, text)
            assert p.read() == (TEXT, text)
            for at in range(len(text) + 1):
                p.raw(frame(TEXT, text[:at], fin=False) + frame(CONTINUATION, text[at:]))
                assert p.read() == (TEXT, text)
            p.slowly(frame(TEXT, text))
            assert p.read() == (TEXT, text)
            ends(p)


for number, (name, bad) in enumerate(INVALID.items(), 1):
    @case(f"6.3.{number}", f"invalid: {name}, whole and split at every byte")
    def invalid(port, bad=bad):
        text = "κόσμε".encode() + bad + b"edited"
        for at in range(len(text)):
            with Peer(port) as p:
                try:
                    p.raw(frame(TEXT, text[:at], fin=False) + frame(CONTINUATION, text[at:]))
                except Gone:
                    pass
                fails(p, 1007)


for number, cut in enumerate(["c2", "e182", "f18181", "f0", "e0", "f48f"], 1):
    @case(f"6.6.{number}", f"text that ends inside a character ({cut})")
    def truncated(port, cut=cut):
        with Peer(port) as p:
            p.send(TEXT, b"ok" + bytes.fromhex(cut))
            fails(p, 1007)


@case("6.4.1", "fail fast: the bad byte ends a fragment, the message goes on")
def fast_by_fragment(port):
    with Peer(port) as p:
        p.raw(frame(TEXT, "κόσμε".encode(), fin=False))
        time.sleep(0.05)
        p.raw(frame(CONTINUATION, b"\xf4\x90", fin=False))
        fails(p, 1007)


@case("6.4.2", "fail fast: the second byte of a character shows it")
def fast_second_byte(port):
    with Peer(port) as p:
        p.raw(frame(TEXT, b"ok", fin=False) + frame(CONTINUATION, b"\xf4", fin=False))
        time.sleep(0.05)
        p.raw(frame(CONTINUATION, b"\x90", fin=False))
        fails(p, 1007)


@case("6.4.3", "fail fast: the bad byte is in the middle of a frame that is not complete")
def fast_in_frame(port):
    data = frame(TEXT, b"abc\xf4\x90" + b"x" * 1000)
    with Peer(port) as p:
        p.raw(data[:8 + 5])
        fails(p, 1007)


@case("6.4.4", "fail fast: the same, one byte at a time")
def fast_in_frame_slowly(port):
    data = frame(TEXT, b"abc\xf4\x90" + b"x" * 1000)
    with Peer(port) as p:
        p.slowly(data[:8 + 5])
        fails(p, 1007)
