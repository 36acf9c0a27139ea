/* SPDX-License-Identifier: MIT */
/*
 * The floor for `redis echo`: two processes that give Redis the same commands by blocking calls of hiredis, one after
 * the other, and look at nothing that comes back. Prints JSON.
 *
 *   redis_bare pubsub|core PORT MS
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hiredis/hiredis.h>

#include "bench.h"
#include "histogram.h"
#include "redis/scripts.h"

#define SCRIPT(text) (text), sizeof(text) - 1

/* What such a message of swale's takes up, its random bytes and the name of its receiver included. */
enum { PUBSUB_PAYLOAD = 112, CORE_PAYLOAD = 220, WARM = 500 };

struct side {
  bool core;
  const char *own, *other; /* groups */
  redisContext *tell, *hear;
  char queue[80], payload[CORE_PAYLOAD];
};

static redisReply *must_reply(redisContext *c, void *reply) {
  if (!reply || ((redisReply *)reply)->type == REDIS_REPLY_ERROR)
    die("Redis: %s", reply ? ((redisReply *)reply)->str : c->errstr);
  return reply;
}

static redisReply *next(redisContext *c) {
  void *reply = NULL;
  redisGetReply(c, &reply);
  return must_reply(c, reply);
}

static redisContext *connect_to(int port) {
  redisContext *c = redisConnect("127.0.0.1", port);
  if (!c || c->err)
    die("no connection to Redis");
  return c;
}

static void wait_for_message(struct side *s, bool drain) {
  int done;
  if (drain)
    redisAppendCommand(s->hear, "ZPOPMIN %s 64", s->queue);
  redisAppendCommand(s->hear, "BZPOPMIN %s 5", s->queue);
  redisBufferWrite(s->hear, &done);
}

static void open_side(struct side *s, bool core, int port, const char *own, const char *other) {
  *s = (struct side){
      .core = core, .own = own, .other = other, .tell = connect_to(port), .hear = connect_to(port)};
  snprintf(s->queue, sizeof s->queue, "bare.specific.0123456789abcdef0123456789abcde%d!", own[1] == 'i');
  memset(s->payload, 'x', sizeof s->payload);
  if (core) {
    freeReplyObject(must_reply(s->tell, redisCommand(s->tell, "ZADD bare:group:%s %d %s.0123456789abcdef",
                                                     own, 2000000000, s->queue)));
    wait_for_message(s, false);
  } else {
    freeReplyObject(must_reply(s->hear, redisCommand(s->hear, "SUBSCRIBE bare__group__%s", own)));
  }
}

static void publish(struct side *s) {
  redisReply *reply =
      redisCommand(s->tell, "PUBLISH bare__group__%s %b", s->other, s->payload, (size_t)PUBSUB_PAYLOAD);
  freeReplyObject(must_reply(s->tell, reply));
}

/* Who is in the group, and then into his queue. */
static void send_to_members(struct side *s) {
  redisReply *members =
      must_reply(s->tell, redisCommand(s->tell, "EVAL %b 1 bare:group:%s 1700000000 1700000000",
                                       SCRIPT(swale__redis_members_script), s->other));
  if (members->elements == 1) {
    const char *name = members->element[0]->str;
    size_t len = strcspn(name, "!") + 1;
    snprintf(s->payload, 12, "%llx", (unsigned long long)now_ns());
    redisReply *reply =
        redisCommand(s->tell, "EVAL %b 1 %b %b 100 %llu.123456 60 0", SCRIPT(swale__redis_fill_script), name,
                     len, s->payload, (size_t)CORE_PAYLOAD, (unsigned long long)(now_ns() / 1000000000));
    freeReplyObject(must_reply(s->tell, reply));
  }
  freeReplyObject(members);
}

static void send_message(struct side *s) {
  if (s->core)
    send_to_members(s);
  else
    publish(s);
}

/* Takes a message; in core mode asks at once for what may stand behind it, and for the next one. */
static void take_message(struct side *s) {
  redisReply *reply = next(s->hear);
  while (s->core && reply->type != REDIS_REPLY_ARRAY) { /* the wait was over */
    freeReplyObject(reply);
    wait_for_message(s, false);
    reply = next(s->hear);
  }
  freeReplyObject(reply);
  if (s->core)
    wait_for_message(s, true);
}

static void finish_message(struct side *s) {
  if (s->core)
    freeReplyObject(next(s->hear)); /* ZPOPMIN's */
}

static _Noreturn void answer(bool core, int port) {
  struct side s;
  open_side(&s, core, port, "ping", "pong");
  for (;;) {
    take_message(&s);
    send_message(&s);
    finish_message(&s);
  }
}

static void measure(bool core, int port, uint64_t ms) {
  static struct histogram round_trip;
  struct side s;
  open_side(&s, core, port, "pong", "ping");
  usleep(300000); /* for the other side to be there */
  uint64_t end = 0;
  for (int i = 0; i < WARM || now_ns() < end; i++) {
    uint64_t start = now_ns();
    send_message(&s);
    take_message(&s);
    if (i >= WARM)
      histogram_add(&round_trip, now_ns() - start);
    if (i + 1 == WARM)
      end = now_ns() + ms * 1000000;
    finish_message(&s);
  }
  printf("{\"round_trips\": %ju, \"p50_us\": %.1f, \"p99_us\": %.1f}\n", (uintmax_t)round_trip.count,
         (double)histogram_percentile(&round_trip, 50) / 1e3,
         (double)histogram_percentile(&round_trip, 99) / 1e3);
}

int main(int argc, char **argv) {
  if (argc != 4)
    die("redis_bare pubsub|core PORT MS");
  bool core = strcmp(argv[1], "core") == 0;
  int port = (int)parse_number(argv[2], 1, 65535);
  pid_t child = fork();
  if (child < 0)
    die("fork");
  if (child == 0)
    answer(core, port);
  measure(core, port, parse_number(argv[3], 1, 60000));
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  return 0;
}
