#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
What `redis fan` measures, done by channels_redis: redis_channels.py core|pubsub PORT MEMBERS WINDOW MS

One process sends to a group, another has its members, and tells the first through a pipe when all have got a message.
"""
import asyncio
import json
import os
import struct
import sys
import time

from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer

MEASURED = 1_000_000
WARM_S, SETTLE_S = 0.3, 0.5
TEXT = "x" * 64


def open_layer(mode, port):
    return {"core": RedisChannelLayer, "pubsub": RedisPubSubChannelLayer}[mode](hosts=[f"redis://127.0.0.1:{port}"])


class Members:
    def __init__(self, layer, count, acks):
        self.layer, self.count, self.acks, self.joined = layer, count, acks, 0
        self.seen, self.latencies, self.first, self.last = {}, [], None, None

    async def member(self):
        channel = await self.layer.new_channel()
        await self.layer.group_add("fan", channel)
        self.joined += 1
        if self.joined == self.count:
            os.write(self.acks, struct.pack("q", 0))
        while True:
            self.take(await self.layer.receive(channel))

    def take(self, message):
        now = time.monotonic_ns()
        number = message["number"]
        if number >= MEASURED:
            self.latencies.append(now - message["sent"])
            self.first = self.first or message["sent"]
        self.seen[number] = self.seen.get(number, 0) + 1
        if self.seen[number] == self.count:
            del self.seen[number]
            self.last = now
            os.write(self.acks, struct.pack("q", number))

    def result(self):
        seconds = (self.last - self.first) / 1e9
        times = sorted(self.latencies)
        return {"deliveries_per_second": len(times) / seconds,
                "messages_per_second": len(times) / self.count / seconds,
                "p50_us": times[len(times) // 2] / 1e3, "p99_us": times[len(times) * 99 // 100] / 1e3,
                "max_us": times[-1] / 1e3}


async def receive(mode, port, count, acks, stop):
    members = Members(open_layer(mode, port), count, acks)
    tasks = [asyncio.create_task(members.member()) for _ in range(count)]
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_reader(stop, stopped.set)
    await stopped.wait()
    for task in tasks:
        if task.done():
            task.result()
    print(json.dumps(members.result()), flush=True)
    os._exit(0)


class Sender:
    def __init__(self, layer, acks):
        self.layer, self.acks = layer, acks
        asyncio.get_running_loop().add_reader(acks, self.read_acks)
        self.arrived = asyncio.Queue()

    def read_acks(self):
        data = os.read(self.acks, 4096)
        for (number,) in struct.iter_unpack("q", data):
            self.arrived.put_nowait(number)

    async def send(self, number):
        await self.layer.group_send("fan", {"type": "note", "text": TEXT, "number": number, "sent": time.monotonic_ns()})

    async def warm_up(self):
        """Begins when all have joined, and what Redis has been told of that without waiting for an answer is done."""
        await self.arrived.get()
        await asyncio.sleep(SETTLE_S)
        number, end = 1, time.monotonic() + WARM_S
        while number == 1 or time.monotonic() < end:
            await self.send(number)
            await self.arrived.get()
            number += 1

    async def measure(self, window, ms):
        end, number, under_way = time.monotonic() + ms / 1000, MEASURED, 0
        sending = set()
        while under_way or time.monotonic() < end:
            while under_way < window and time.monotonic() < end:
                task = asyncio.create_task(self.send(number))
                sending.add(task)
                task.add_done_callback(sending.discard)
                number, under_way = number + 1, under_way + 1
            if await self.arrived.get() >= MEASURED:
                under_way -= 1


async def send(mode, port, window, ms, acks):
    sender = Sender(open_layer(mode, port), acks)
    await sender.warm_up()
    await sender.measure(window, ms)


def main():
    mode, port, count, window, ms = sys.argv[1], *map(int, sys.argv[2:6])
    (acks_read, acks_write), (stop_read, stop_write) = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.close(acks_read)
        os.close(stop_write)
        asyncio.run(receive(mode, port, count, acks_write, stop_read))
    os.close(acks_write)
    os.close(stop_read)
    asyncio.run(send(mode, port, window, ms, acks_read))
    os.close(stop_write)
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


main()
