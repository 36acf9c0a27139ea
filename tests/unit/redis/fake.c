/* SPDX-License-Identifier: MIT */
#include "redis/fake.h"

#include <arpa/inet.h>
#include <err.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A script's answer has to do for both scripts: three items of which the first two count, or no members. */
const struct fake_answer fake_healthy[] = {{"PING", "+PONG\r\n"},
                                           {"CLIENT", ":7\r\n"},
                                           {"BZPOPMIN", NULL},
                                           {"EVAL", "*0\r\n"},
                                           {"PSUBSCRIBE", "*3\r\n$10\r\npsubscribe\r\n$1\r\n*\r\n:1\r\n"},
                                           {NULL, ":1\r\n"}};

void fake_open(struct fake *f, const struct fake_answer *answers) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof at;
  memset(f, 0, sizeof *f);
  f->answers = answers;
  for (int i = 0; i < FAKE_PEERS; i++)
    f->peers[i] = -1;
  f->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (f->listener < 0 || bind(f->listener, (struct sockaddr *)&at, len) < 0 || listen(f->listener, 64) < 0 ||
      getsockname(f->listener, (struct sockaddr *)&at, &len) < 0)
    err(1, "a listening socket");
  f->port = ntohs(at.sin_port);
}

void fake_cut(struct fake *f) {
  for (int i = 0; i < FAKE_PEERS; i++)
    if (f->peers[i] >= 0) {
      close(f->peers[i]);
      f->peers[i] = -1;
    }
}

void fake_close(struct fake *f) {
  fake_cut(f);
  close(f->listener);
}

static void say(const struct fake *f, int i, const char *text, size_t len) {
  size_t piece = f->byte_by_byte ? 1 : len;
  for (size_t at = 0; at < len; at += piece)
    if (send(f->peers[i], text + at, piece, MSG_NOSIGNAL) < 0)
      return;
}

void fake_say(struct fake *f, const char *text, size_t len) {
  for (int i = 0; i < FAKE_PEERS; i++)
    if (f->peers[i] >= 0)
      say(f, i, text, len);
}

int fake_heard(const struct fake *f, const char *word) {
  int n = 0;
  for (int i = 0; i < f->n_log; i++)
    n += strcmp(f->log[i], word) == 0;
  return n;
}

static const char *answer_to(const struct fake *f, const char *word) {
  const struct fake_answer *a = f->answers;
  while (a->word && strcmp(a->word, word) != 0)
    a++;
  return a->answer;
}

/* The length of the first command in the text, or 0; its first word. */
static size_t parse(const char *text, size_t len, char word[32]) {
  const char *at = text, *end = text + len, *line;
  if (!(line = memchr(at, '\n', (size_t)(end - at))))
    return 0;
  long n = strtol(at + 1, NULL, 10);
  at = line + 1;
  for (long i = 0; i < n; i++) {
    if (at >= end || !(line = memchr(at, '\n', (size_t)(end - at))))
      return 0;
    size_t size = strtoul(at + 1, NULL, 10);
    at = line + 1;
    if ((size_t)(end - at) < size + 2)
      return 0;
    if (i == 0) {
      memset(word, 0, 32);
      memcpy(word, at, size < 31 ? size : 31);
    }
    at += size + 2;
  }
  return (size_t)(at - text);
}

static void answer_all(struct fake *f, int i) {
  char word[32];
  size_t n;
  while (f->peers[i] >= 0 && (n = parse(f->in[i], f->len[i], word)) > 0) {
    f->n_watched += f->watched && memmem(f->in[i], n, f->watched, strlen(f->watched));
    memmove(f->in[i], f->in[i] + n, f->len[i] -= n);
    if (f->n_log < FAKE_LOG)
      strcpy(f->log[f->n_log++], word);
    const char *answer = answer_to(f, word);
    if (answer)
      say(f, i, answer, strlen(answer));
  }
}

static bool listen_to(struct fake *f, int i) {
  ssize_t n = recv(f->peers[i], f->in[i] + f->len[i], sizeof f->in[i] - f->len[i], MSG_DONTWAIT);
  if (n == 0) {
    close(f->peers[i]);
    f->peers[i] = -1;
  }
  if (n <= 0)
    return n == 0;
  f->len[i] += (size_t)n;
  answer_all(f, i);
  return true;
}

bool fake_turn(struct fake *f) {
  bool did = false;
  for (int i = 0; i < FAKE_PEERS; i++) {
    if (f->peers[i] < 0) {
      f->peers[i] = accept(f->listener, NULL, NULL);
      setsockopt(f->peers[i], IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
      f->len[i] = 0;
      did = did || f->peers[i] >= 0;
    } else {
      did = listen_to(f, i) || did;
    }
  }
  return did;
}
