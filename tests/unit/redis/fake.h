/* SPDX-License-Identifier: MIT */
/* A server that says what the test tells it to, on a port of loopback, in the test's own thread. */
#ifndef SWALE_TESTS_REDIS_FAKE_H
#define SWALE_TESTS_REDIS_FAKE_H

#include <stdbool.h>
#include <stddef.h>

#include <swale/redis.h>

enum { FAKE_PEERS = 8, FAKE_ROOM = 1 << 14, FAKE_LOG = 256 };

/* What is answered to commands that begin with this word; NULL: nothing at all. The last one, of word NULL, is for all others. */
struct fake_answer {
  const char *word, *answer;
};

struct fake {
  int listener, port;
  int peers[FAKE_PEERS]; /* -1: none */
  char in[FAKE_PEERS][FAKE_ROOM];
  size_t len[FAKE_PEERS];
  const struct fake_answer *answers;
  bool byte_by_byte;      /* answers are written so */
  char log[FAKE_LOG][32]; /* first words of commands, in order */
  int n_log;
  const char *watched; /* commands that contain this text are counted; NULL: none */
  int n_watched;
};

void fake_open(struct fake *f, const struct fake_answer *answers);
void fake_close(struct fake *f);

/* Takes whoever knocks, answers what was asked. Answers whether there was anything. */
bool fake_turn(struct fake *f);

/* Says this to every peer, unasked. */
void fake_say(struct fake *f, const char *text, size_t len);
/* Cuts all connections. */
void fake_cut(struct fake *f);

/* How often a command of this word came. */
int fake_heard(const struct fake *f, const char *word);

/* What a healthy server answers, as far as a layer without messages from others is concerned. */
extern const struct fake_answer fake_healthy[];

#endif
