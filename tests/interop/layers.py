# SPDX-License-Identifier: MIT
"""A layer of channels_redis and one of swale on the same Redis, in both modes: whatever one says the other hears."""
import asyncio
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support import partner, redis_server  # noqa: E402
from support.partner import Partner  # noqa: E402
from support.redis_server import Redis  # noqa: E402

redis_server.need_redis()
partner.need_channels()
import channels_redis  # noqa: E402
from channels.exceptions import ChannelFull  # noqa: E402
from channels_redis.core import RedisChannelLayer  # noqa: E402
from channels_redis.pubsub import RedisPubSubChannelLayer  # noqa: E402

PATIENCE = 20

# JSON, encrypted pubsub and random_prefix_length are not in Debian 12's 4.0; PYTHONPATH may lead to a newer one.
SINCE_4_2_1 = unittest.skipIf(tuple(map(int, channels_redis.__version__.split("."))) < (4, 2, 1),
                              f"channels_redis {channels_redis.__version__} cannot do that")

# Whatever a message may hold: integers at the edges of every form, and nothing that Python changes on its way.
VALUES = {
    "nothing": None, "yes": True, "no": False,
    "integers": [0, 1, -1, 127, 128, -32, -33, 255, 256, -128, -129, 65535, 65536, -32768, -32769,
                 2**31, 2**32 - 1, 2**32, -2**31, -2**31 - 1, 2**63 - 1, -2**63],
    "doubles": [0.0, -0.0, 1.5, 1e300, -1e-300, 0.1],
    "texts": ["", "hi", "알림이 도착했습니다", "ü\u2028\U0001f600", "nul\0inside", "x" * 31, "x" * 32, "x" * 255, "x" * 65536],
    "bytes": [b"", b"\0\xff", bytes(range(256)), b"x" * 65536],
    "lists": [[], [[], [[]]], list(range(15)), list(range(16)), list(range(70000))],
    "maps": {"": 0, "a": {"b": {"c": {"d": [{"e": "f"}]}}}, **{f"key {i}": i for i in range(20)}},
    "ключ": "значение",
}


def text(words):
    return {"type": "test", "text": words}


async def soon(awaitable):
    return await asyncio.wait_for(awaitable, PATIENCE)


async def until(question, what):
    """Waits until the coroutine function answers something true."""
    for _ in range(PATIENCE * 50):
        if answer := await question():
            return answer
        await asyncio.sleep(0.02)
    raise AssertionError(f"{what} did not come to be")


class Exchange:
    """What holds in both modes. `layer` makes the Python half, `partner` the C half."""

    mode = None

    async def asyncSetUp(self):
        asyncio.get_running_loop().set_debug(False)
        self.servers = [Redis() for _ in range(2)]
        for server in self.servers:
            self.enterContext_(server)
        self.layers = []

    def enterContext_(self, context):
        context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)

    async def asyncTearDown(self):
        for layer in self.layers:
            await self.shut(layer)

    def hosts(self, shards):
        return [server.url for server in self.servers[:shards]]

    def url(self, shards=1, **parameters):
        places = ",".join(host.removeprefix("redis://") for host in self.hosts(shards))
        query = "&".join(f"{key}={value}" for key, value in {"mode": self.mode, **parameters}.items())
        return f"redis://{places}/0?{query}"

    def partner(self, *options, shards=1, **parameters):
        return Partner(self.url(shards, **parameters), *options)

    def layer(self, shards=1, **settings):
        layer = self.make(hosts=self.hosts(shards), **settings)
        self.layers.append(layer)
        return layer

    async def listener(self, layer):
        """A channel of the layer's own, and a queue that is filled from it."""
        channel, queue = await layer.new_channel(), asyncio.Queue()

        async def listen():
            while True:
                queue.put_nowait(await layer.receive(channel))
        task = asyncio.create_task(listen())
        self.addCleanup(task.cancel)
        return channel, queue

    # ---- one to one

    async def test_python_sends_to_a_consumer(self):
        layer = self.layer()
        async with self.partner() as c:
            channel = await c.consumer("a")
            for i in range(20):
                await layer.send(channel, text(f"{i}"))
            for i in range(20):
                self.assertEqual(text(f"{i}"), await c.next("a"))

    async def test_c_sends_to_a_channel_of_pythons(self):
        layer = self.layer()
        channel, queue = await self.listener(layer)
        async with self.partner() as c:
            for i in range(20):
                await c.send(channel, text(f"{i}"))
            for i in range(20):
                self.assertEqual(text(f"{i}"), await soon(queue.get()))

    async def test_python_sends_to_a_channel_that_c_receives_from(self):
        layer = self.layer()
        async with self.partner() as c:
            for channel in [await c.ask("new_channel"), await c.ask("new_channel", "reply")]:
                await c.ask("receive", channel)
                for i in range(3):
                    await layer.send(channel, text(f"{i}"))
                self.assertEqual(text("0"), await c.next(channel))
                self.assertEqual(text("1"), await c.receive(channel))
                self.assertEqual(text("2"), await c.receive(channel))

    async def test_every_kind_of_value_arrives_as_it_was(self):
        layer = self.layer()
        channel, queue = await self.listener(layer)
        async with self.partner() as c:
            consumer = await c.consumer("a")
            for key, value in VALUES.items():
                message = {"type": "test", key: value}
                await layer.send(consumer, message)
                self.assertEqual(repr(message), repr(await c.next("a")))
                await c.send(channel, message)
                self.assertEqual(repr(message), repr(await soon(queue.get())))

    async def test_large_messages_pass(self):
        layer = self.layer()
        channel, queue = await self.listener(layer)
        message = {"type": "test", "text": "é" * 450_000}
        async with self.partner() as c:
            await layer.send(await c.consumer("a"), message)
            self.assertEqual(message, await c.next("a"))
            await c.send(channel, message)
            self.assertEqual(message, await soon(queue.get()))
            await layer.group_add("g", channel)
            await c.consumer("b", "g")
            await c.group_send("g", message)
            self.assertEqual(message, await c.next("b"))
            self.assertEqual(message, await soon(queue.get()))
            await layer.group_send("g", message)
            self.assertEqual(message, await c.next("b"))

    # ---- groups

    async def mixed_group(self, c, layer, group="g", n=3):
        """Members on both sides: three consumers and three channels with their queues."""
        listeners = [await self.listener(layer) for _ in range(n)]
        for channel, _ in listeners:
            await layer.group_add(group, channel)
        for i in range(n):
            await c.consumer(f"{group}{i}", group)
        return [queue for _, queue in listeners]

    async def all_hear(self, c, queues, message, group="g"):
        for i, queue in enumerate(queues):
            self.assertEqual(message, await soon(queue.get()))
            self.assertEqual(message, await c.next(f"{group}{i}"))

    async def nobody_hears_more(self, c, queues):
        await asyncio.sleep(0.2)
        for queue in [*queues, *c.got.values()]:
            self.assertEqual(0, queue.qsize())

    async def test_a_group_hears_python_and_c_once_and_in_order(self):
        layer = self.layer()
        async with self.partner() as c:
            queues = await self.mixed_group(c, layer)
            for i in range(20):
                await layer.group_send("g", text(f"python {i}"))
            for i in range(20):
                await self.all_hear(c, queues, text(f"python {i}"))
            for i in range(20):
                await c.group_send("g", text(f"c {i}"))
            for i in range(20):
                await self.all_hear(c, queues, text(f"c {i}"))
            await self.nobody_hears_more(c, queues)

    async def test_two_processes_of_c_and_python_share_a_group(self):
        layer = self.layer()
        async with self.partner() as c, self.partner() as d:
            queues = await self.mixed_group(c, layer)
            await d.consumer("other", "g")
            for words, send in (("c", c.group_send), ("d", d.group_send), ("python", layer.group_send)):
                await send("g", text(words))
                await self.all_hear(c, queues, text(words))
                self.assertEqual(text(words), await d.next("other"))
            await self.nobody_hears_more(c, queues)
            await self.nobody_hears_more(d, [])

    async def test_who_has_left_hears_no_more(self):
        layer = self.layer()
        async with self.partner() as c:
            channel, queue = await self.listener(layer)
            await layer.group_add("g", channel)
            await c.consumer("stays", "g")
            await c.consumer("leaves", "g")
            await c.consumer("ends", "g")
            await c.ask("leave", "leaves", "g")
            await c.ask("close", "ends")
            await layer.group_discard("g", channel)
            await layer.group_send("g", text("python"))
            self.assertEqual(text("python"), await c.next("stays"))
            await c.group_send("g", text("c"))
            self.assertEqual(text("c"), await c.next("stays"))
            await self.nobody_hears_more(c, [queue])

    async def test_who_comes_back_hears_again(self):
        layer = self.layer()
        async with self.partner() as c:
            for i in range(5):
                await c.consumer("a", "g")
                await layer.group_send("g", text(f"{i}"))
                self.assertEqual(text(f"{i}"), await c.next("a"))
                await c.ask("close", "a")
            await layer.group_send("g", text("nobody"))
            await self.nobody_hears_more(c, [])

    # ---- settings

    async def test_two_shards_share_everything(self):
        layer = self.layer(shards=2)
        async with self.partner(shards=2) as c:
            for i in range(8):
                queues = await self.mixed_group(c, layer, f"group.{i}", n=1)
                await layer.group_send(f"group.{i}", text("python"))
                await self.all_hear(c, queues, text("python"), f"group.{i}")
                await c.group_send(f"group.{i}", text("c"))
                await self.all_hear(c, queues, text("c"), f"group.{i}")
            for i in range(8):
                channel, queue = await self.listener(layer)
                await c.send(channel, text("direct"))
                self.assertEqual(text("direct"), await soon(queue.get()))
                await layer.send(await c.consumer(f"direct{i}"), text("direct"))
                self.assertEqual(text("direct"), await c.next(f"direct{i}"))

    async def json_arrives(self, **settings):
        layer = self.layer(serializer_format="json", **settings)
        keys = [f"--key={key}" for key in settings.get("symmetric_encryption_keys", ())]
        async with self.partner(*keys, serializer="json") as c:
            message = {"type": "test", "values": [None, True, -2**63, 1.5, "\0 ü 알림 \U0001f600", [], {}, {"a": [{}]}]}
            channel, queue = await self.listener(layer)
            await layer.send(await c.consumer("a"), message)
            self.assertEqual(message, await c.next("a"))
            await c.send(channel, message)
            self.assertEqual(message, await soon(queue.get()))
            queues = await self.mixed_group(c, layer)
            await layer.group_send("g", message)
            await self.all_hear(c, queues, message)
            await c.group_send("g", message)
            await self.all_hear(c, queues, message)
            await self.nobody_hears_more(c, queues)

    @SINCE_4_2_1
    async def test_json(self):
        await self.json_arrives()

    @SINCE_4_2_1
    async def test_encrypted_json(self):
        await self.json_arrives(symmetric_encryption_keys=["secret", "older"])

    async def test_prefixes_part_layers(self):
        layer, other = self.layer(prefix="one"), self.layer(prefix="two")
        async with self.partner(prefix="one") as c:
            await c.consumer("a", "g")
            await other.group_send("g", text("two"))
            await layer.group_send("g", text("one"))
            self.assertEqual(text("one"), await c.next("a"))
            await self.nobody_hears_more(c, [])


class Core(Exchange, unittest.IsolatedAsyncioTestCase):
    mode = "core"

    def make(self, **settings):
        return RedisChannelLayer(**settings)

    async def shut(self, layer):
        await layer.close_pools()

    # ---- plain channels, which are work queues here

    async def test_plain_channels_hold_what_nobody_has_taken_yet(self):
        layer = self.layer()
        async with self.partner() as c:
            await layer.send("plain", text("python"))
            self.assertEqual(text("python"), await c.receive("plain"))
            await c.send("plain", text("c"))
            self.assertEqual(text("c"), await soon(layer.receive("plain")))

    async def test_a_worker_takes_what_python_sends(self):
        layer = self.layer()
        await layer.send("thumbnails", text("before"))
        async with self.partner("--worker=thumbnails") as c:
            await layer.send("thumbnails", text("after"))
            self.assertEqual(text("before"), await c.next("worker"))
            self.assertEqual(text("after"), await c.next("worker"))
            await self.nobody_hears_more(c, [])

    # ---- one side's groups, the other side's channels

    async def test_python_puts_channels_of_c_into_groups(self):
        layer = self.layer()
        async with self.partner() as c:
            channel = await c.consumer("a")
            await layer.group_add("g", channel)
            await layer.group_send("g", text("python"))
            self.assertEqual(text("python"), await c.next("a"))
            await c.group_send("g", text("c"))
            self.assertEqual(text("c"), await c.next("a"))
            await layer.group_discard("g", channel)
            await layer.group_send("g", text("nobody"))
            await c.group_send("g", text("nobody"))
            await self.nobody_hears_more(c, [])

    async def test_c_puts_channels_of_python_into_groups(self):
        layer = self.layer()
        channel, queue = await self.listener(layer)
        async with self.partner() as c:
            await c.ask("group_add", "g", channel)
            await until(lambda: self.is_member("g", channel), "a membership")
            await layer.group_send("g", text("python"))
            self.assertEqual(text("python"), await soon(queue.get()))
            await c.group_send("g", text("c"))
            self.assertEqual(text("c"), await soon(queue.get()))
            await c.ask("group_discard", "g", channel)
            await until(lambda: self.is_member("g", channel, False), "the end of a membership")
            await c.group_send("g", text("nobody"))
            await self.nobody_hears_more(c, [queue])

    async def is_member(self, group, channel, wanted=True):
        found = channel in self.servers[0].command("ZRANGE", f"asgi:group:{group}", 0, -1)
        return found == wanted

    async def test_python_sends_to_a_group_that_holds_a_consumer_twice_over(self):
        layer = self.layer()
        async with self.partner() as c:
            channel = await c.consumer("a", "g")
            await c.consumer("b", "g")
            await layer.group_add("g", channel)
            await layer.group_send("g", text("once"))
            self.assertEqual(text("once"), await c.next("a"))
            self.assertEqual(text("once"), await c.next("b"))
            await self.nobody_hears_more(c, [])

    async def test_a_consumer_that_has_joined_by_itself_is_told_to_leave(self):
        """group_discard by Python has no effect on it: what stands in Redis is a name for all of its process's members."""
        layer = self.layer()
        async with self.partner() as c:
            channel = await c.consumer("a", "g")
            await c.consumer("b", "g")
            await layer.group_discard("g", channel)
            await layer.group_send("g", text("both"))
            self.assertEqual(text("both"), await c.next("a"))
            self.assertEqual(text("both"), await c.next("b"))
            await layer.send(channel, {"type": "leave", "group": "g"})
            await layer.group_send("g", text("b alone"))
            self.assertEqual(text("b alone"), await c.next("b"))
            await self.nobody_hears_more(c, [])

    # ---- bounds

    async def test_a_full_channel_takes_no_more(self):
        layer = self.layer(capacity=3)
        async with self.partner(capacity=3) as c:
            for i in range(3):
                await layer.send("plain", text(f"{i}"))
            await c.send("plain", text("too many"))
            await until(lambda: self.is_dropped(c), "a drop")
            with self.assertRaises(ChannelFull):
                await layer.send("plain", text("too many"))
            for i in range(3):
                self.assertEqual(text(f"{i}"), await c.receive("plain"))
            await layer.send("plain", text("room again"))
            self.assertEqual(text("room again"), await c.receive("plain"))

    async def is_dropped(self, c):
        stats = await c.stats()
        return stats["lost"] + stats["over_capacity"] > 0

    async def test_a_message_that_waits_too_long_is_gone(self):
        layer = self.layer(expiry=1)
        async with self.partner(expiry=1) as c:
            await c.send("by.c", text("old"))
            await layer.send("by.python", text("old"))
            await until(self.nothing_is_in_redis, "the end of all messages")
            await c.send("by.c", text("new"))
            self.assertEqual(text("new"), await soon(layer.receive("by.c")))
            await layer.send("by.python", text("new"))
            self.assertEqual(text("new"), await c.receive("by.python"))

    async def nothing_is_in_redis(self):
        return self.servers[0].command("KEYS", "asgiby.*") in ([], [""])

    # ---- flush

    async def test_python_flushes(self):
        layer = self.layer()
        async with self.partner() as c:
            await c.send("plain", text("flushed"))
            await until(lambda: self.exists("asgiplain"), "a message")
            await layer.flush()
            self.assertFalse(await self.exists("asgiplain"))
            self.assertTrue(await self.is_empty())

    async def test_memberships_in_c_come_back_after_python_has_flushed(self):
        layer = self.layer()
        async with self.partner() as c:
            await c.consumer("a", "g")
            await layer.flush()
            self.assertFalse(await self.exists("asgi:group:g"))
            await until(lambda: self.exists("asgi:group:g"), "a membership")
            await layer.group_send("g", text("again"))
            self.assertEqual(text("again"), await c.next("a"))

    async def test_c_flushes(self):
        layer = self.layer()
        await layer.send("plain", text("flushed"))
        await layer.group_add("g", await layer.new_channel())
        async with self.partner() as c:
            await c.ask("flush")
            await until(self.is_empty, "an empty Redis")

    async def exists(self, key):
        return self.servers[0].command("EXISTS", key) == ["1"]

    async def is_empty(self):
        """But for swale's mark, by which its processes notice a flush."""
        return not any(key.startswith("asgi") and key != "asgi:swale" for key in self.servers[0].command("KEYS", "*"))

    # ---- encryption

    async def encrypted(self, python_keys, c_keys):
        layer = self.layer(symmetric_encryption_keys=python_keys)
        async with self.partner(*(f"--key={key}" for key in c_keys)) as c:
            queues = await self.mixed_group(c, layer)
            await layer.group_send("g", text("python's secret"))
            await self.all_hear(c, queues, text("python's secret"))
            await c.group_send("g", text("c's secret"))
            await self.all_hear(c, queues, text("c's secret"))
            await layer.send("plain", text("plain secret"))
            self.assertNotIn("plain secret", "".join(self.servers[0].command("ZRANGE", "asgiplain", 0, -1)))
            self.assertEqual(text("plain secret"), await c.receive("plain"))
            self.assertEqual(0, (await c.stats())["undecodable"])

    async def test_encryption_with_one_key(self):
        await self.encrypted(["secret"], ["secret"])

    async def test_encryption_while_keys_are_changed(self):
        await self.encrypted(["new", "old"], ["old", "new"])
        await self.encrypted(["old"], ["old", "new"])

    @SINCE_4_2_1
    async def test_fewer_random_bytes(self):
        layer = self.layer(random_prefix_length=3)
        async with self.partner(random_prefix_length=3) as c:
            queues = await self.mixed_group(c, layer)
            await layer.group_send("g", text("python"))
            await self.all_hear(c, queues, text("python"))
            await c.group_send("g", text("c"))
            await self.all_hear(c, queues, text("c"))

    async def test_a_foreign_key_is_counted_and_kills_nobody(self):
        layer = self.layer(symmetric_encryption_keys=["foreign"])
        async with self.partner("--key=ours") as c:
            await layer.send(await c.consumer("a"), text("?"))

            async def counted():
                return (await c.stats())["undecodable"] == 1
            await until(counted, "an undecodable message")
            await self.layer(symmetric_encryption_keys=["ours"]).send(await c.ask("name", "a"), text("!"))
            self.assertEqual(text("!"), await c.next("a"))


class PubSub(Exchange, unittest.IsolatedAsyncioTestCase):
    mode = "pubsub"

    def make(self, **settings):
        return RedisPubSubChannelLayer(**settings)

    async def shut(self, layer):
        await layer.flush()

    async def listener(self, layer):
        """As above, and it is subscribed: its first messages would be lost otherwise."""
        channel, queue = await super().listener(layer)
        await until(lambda: self.is_subscribed(channel), "a subscription")
        return channel, queue

    async def is_subscribed(self, channel):
        return any(server.command("PUBSUB", "NUMSUB", channel)[1] != "0" for server in self.servers)

    async def test_a_receiver_hears_what_python_sends(self):
        layer = self.layer()
        async with self.partner() as c:
            await c.ask("receive", "plain")
            await until(lambda: self.is_subscribed("plain"), "a subscription")
            await layer.send("plain", text("python"))
            self.assertEqual(text("python"), await c.next("plain"))
            await layer.send("plain", text("meanwhile"))
            self.assertEqual(text("meanwhile"), await c.receive("plain"))

    async def test_a_worker_hears_what_python_sends(self):
        layer = self.layer()
        async with self.partner("--worker=thumbnails") as c:
            await until(lambda: self.is_subscribed("thumbnails"), "a subscription")
            await layer.send("thumbnails", text("python"))
            self.assertEqual(text("python"), await c.next("worker"))

    @SINCE_4_2_1
    async def test_encryption(self):
        layer = self.layer(symmetric_encryption_keys=["new", "old"])
        async with self.partner("--key=old", "--key=new") as c:
            queues = await self.mixed_group(c, layer)
            await layer.group_send("g", text("python"))
            await self.all_hear(c, queues, text("python"))
            await c.group_send("g", text("c"))
            await self.all_hear(c, queues, text("c"))
            self.assertEqual(0, (await c.stats())["undecodable"])

    async def test_the_second_member_of_a_group_costs_redis_nothing(self):
        async with self.partner() as c:
            await c.consumer("a", "g")
            before = self.commands()
            for i in range(20):
                await c.consumer(f"b{i}", "g")
                await c.ask("close", f"b{i}")
            self.assertEqual(before, self.commands())

    def commands(self):
        """How many of each kind of command there were, but for those that ask."""
        lines = self.servers[0].command("INFO", "commandstats")
        return [line.split(",")[0] for line in lines if "subscribe" in line]


if __name__ == "__main__":
    unittest.main(verbosity=2)
