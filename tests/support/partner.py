# SPDX-License-Identifier: MIT
"""The C half of a layer, tests/interop/peer.c, as an object."""
import asyncio
import json
import sys

from support.program import BUILD, INSTRUMENT

PATIENCE = 20


def need_channels():
    """Ends a test that cannot be run here, as tests/run.sh has it."""
    try:
        import channels_redis.core  # noqa: F401
        import msgpack  # noqa: F401
    except ImportError as error:
        print(f"{error} (make deps-redis)")
        sys.exit(77)


def pack(message):
    import msgpack
    return msgpack.packb(message, use_bin_type=True).hex()


def unpack(text):
    import msgpack
    return msgpack.unpackb(bytes.fromhex(text), raw=False)


class Partner:
    """
    A process that has the layer `url` names. Entered when it is connected to Redis; left, it must end well and
    say nothing on its standard error.
    """

    def __init__(self, url, *options):
        self.command = [*(["setarch", "-R"] if INSTRUMENT == "thread" else []),
                        str(BUILD / "tests/interop/peer"), url, *options]
        self.answers = asyncio.Queue()
        self.got = {}
        self.ready = {}
        self.up = asyncio.Event()

    async def __aenter__(self):
        self.process = await asyncio.create_subprocess_exec(
            *self.command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE, limit=32 << 20)
        self.reader = asyncio.create_task(self._read())
        up = asyncio.create_task(self.up.wait())
        await asyncio.wait({up, self.reader}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        up.cancel()
        if not self.up.is_set():
            await self._end(kill=True)
            raise AssertionError(f"no connection to Redis: {self.errors}")
        return self

    async def __aexit__(self, kind, *_):
        await self._end(kill=False)
        if kind is None:
            assert self.process.returncode == 0 and not self.errors, (self.process.returncode, self.errors)

    async def _end(self, kill):
        if kill and self.process.returncode is None:
            self.process.kill()
        self.process.stdin.close()
        errors = asyncio.create_task(self.process.stderr.read())
        try:
            await asyncio.wait_for(self.process.wait(), PATIENCE)
        except asyncio.TimeoutError:
            self.process.kill()
            await self.process.wait()
        self.errors = (await errors).decode(errors="replace")
        await self.reader

    async def _read(self):
        while line := await self.process.stdout.readline():
            word, _, rest = line.decode().rstrip("\n").partition(" ")
            if word == "got":
                name, _, message = rest.partition(" ")
                self.queue_of(name).put_nowait(unpack(message))
            elif word == "ready":
                self.ready_of(rest).set()
            elif word == "up":
                self.up.set()
            elif word == "down":
                self.up.clear()
            else:
                self.answers.put_nowait((word, rest))

    def queue_of(self, name):
        return self.got.setdefault(name, asyncio.Queue())

    def ready_of(self, name):
        return self.ready.setdefault(name, asyncio.Event())

    async def ask(self, *words):
        """The answer's rest; an error is a RuntimeError."""
        self.process.stdin.write((" ".join(words) + "\n").encode())
        await self.process.stdin.drain()
        word, rest = await asyncio.wait_for(self.answers.get(), PATIENCE)
        if word != "ok":
            raise RuntimeError(rest)
        return rest

    async def consumer(self, name, *groups):
        """A consumer whose groups are joined; answers its channel."""
        self.ready_of(name).clear()
        channel = await self.ask("consumer", name, *groups)
        await asyncio.wait_for(self.ready_of(name).wait(), PATIENCE)
        return channel

    async def send(self, channel, message):
        return await self.ask("send", channel, pack(message))

    async def group_send(self, group, message):
        return int(await self.ask("group_send", group, pack(message)))

    async def next(self, name):
        """What the consumer got next."""
        return await asyncio.wait_for(self.queue_of(name).get(), PATIENCE)

    async def receive(self, channel):
        """The next message of a channel without a consumer."""
        await self.ask("receive", channel)
        return await self.next(channel)

    async def stats(self):
        return json.loads(await self.ask("stats"))
