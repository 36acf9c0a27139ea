/* SPDX-License-Identifier: MIT */
#include "redis/greeting.h"

#include <stdio.h>

#include "redis/dial.h"
#include "redis/link.h"

/*
 * The error is Redis' own sentence, which is kept: the reply is gone when the connection is given up. But not so far as it
 * says again what we have said, as it does of a command that it does not know: that may be the password.
 */
void swale__redis_must_work(struct swale__redis_link *link, const struct swale__redis_reply *reply,
                            void *data) {
  (void)data;
  if (!reply || !swale__redis_is_error(reply))
    return;
  const char *said = strstr(reply->text, ", with args");
  snprintf(link->error, sizeof link->error, "%.*s", said ? (int)(said - reply->text) : (int)reply->len,
           reply->text);
  swale__redis_link_break(link, link->error);
}

static void greeted(struct swale__redis_link *link, const struct swale__redis_reply *reply, void *data) {
  swale__redis_must_work(link, reply, data);
  if (reply && !link->broken)
    swale__redis_link_greeted(link);
}

static int say(struct swale__redis_link *link, swale__redis_done *done, size_t n, const char *const *text) {
  struct swale__redis_word words[3];
  for (size_t i = 0; i < n; i++)
    words[i] = swale__redis_text(text[i]);
  return swale__redis_link_command(link, n, words, done, NULL);
}

/* It comes first of all, so that what is secret stands at the beginning. */
static int authenticate(struct swale__redis_link *link, const char *username, const char *password) {
  if (!password)
    return 0;
  int rv = username ? say(link, swale__redis_must_work, 3, (const char *[]){"AUTH", username, password})
                    : say(link, swale__redis_must_work, 2, (const char *[]){"AUTH", password});
  link->out.secret = link->out.len;
  return rv;
}

/* ---- to a server ---- */

static int choose_database(struct swale__redis_link *link) {
  char db[12];
  if (link->place->host->db == 0)
    return 0;
  snprintf(db, sizeof db, "%u", (unsigned)link->place->host->db);
  return say(link, swale__redis_must_work, 2, (const char *[]){"SELECT", db});
}

static void must_be_master(struct swale__redis_link *link, const struct swale__redis_reply *reply,
                           void *data) {
  swale__redis_must_work(link, reply, data);
  if (!reply || link->broken)
    return;
  const struct swale__redis_reply *role = swale__redis_string_at(reply, 0);
  if (!role || strcmp(role->text, "master") != 0)
    swale__redis_link_break(link, "the sentinel's master is none");
}

static int greet_server(struct swale__redis_link *link) {
  const struct swale_redis_host *host = link->place->host;
  int rv = authenticate(link, host->username, host->password);
  if (rv == 0)
    rv = choose_database(link);
  if (rv == 0 && host->master)
    rv = say(link, must_be_master, 1, (const char *[]){"ROLE"});
  if (rv == 0 && link->class->greet)
    rv = link->class->greet(link);
  return rv < 0 ? rv : say(link, greeted, 1, (const char *[]){"PING"});
}

/* ---- to a sentinel ---- */

static void told(struct swale__redis_link *link, const struct swale__redis_reply *reply, void *data) {
  swale__redis_must_work(link, reply, data);
  if (!reply || link->broken)
    return;
  const struct swale__redis_reply *host = swale__redis_string_at(reply, 0),
                                  *port = swale__redis_string_at(reply, 1);
  const char *why =
      host && port ? swale__redis_dial_announced(link, host, port) : "the sentinel does not know the master";
  if (why)
    swale__redis_link_break(link, why);
  else
    link->found = true;
}

static int greet_sentinel(struct swale__redis_link *link) {
  const struct swale_redis_host *host = link->place->host;
  int rv = authenticate(link, host->sentinel_username, host->sentinel_password);
  if (rv < 0)
    return rv;
  return say(link, told, 3, (const char *[]){"SENTINEL", "get-master-addr-by-name", host->master});
}

int swale__redis_greet(struct swale__redis_link *link) {
  return link->asking ? greet_sentinel(link) : greet_server(link);
}
