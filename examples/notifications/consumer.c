/* SPDX-License-Identifier: MIT */
#include "notifications.h"

#include <stdio.h>
#include <string.h>

#include <swale/json.h>

/*
 * What happens on a WebSocket. Whoever connects gets {"message": ...} for each notification and nothing else.
 * A client that says {"want": "count"}, as the page does, is also told how many there are: {"connected": 3}.
 */

#define WATCHERS_GROUP "watchers"

enum { CENSUS_DELAY_MS = 100 }; /* so that a crowd that comes or goes is counted once */

static struct server *server_of(const swale_consumer *c) { return swale_consumer_user(c); }

/* ---- coming and going ---- */

struct browser {
  struct swale_timer admission;
  swale_consumer *consumer;
};

static void expect_census(struct server *s) {
  if (!swale_timer_armed(&s->census))
    swale_timer_start(s->loop, &s->census, CENSUS_DELAY_MS);
}

static int admit(swale_consumer *c) {
  expect_census(server_of(c));
  return swale_accept(c, NULL);
}

static void on_admission(struct swale_timer *admission) {
  struct browser *browser = (struct browser *)((char *)admission - offsetof(struct browser, admission));
  if (admit(browser->consumer) < 0)
    swale_reject(browser->consumer, 503, "no memory");
}

/*
 * Whoever asks is let in. With CONNECT_DELAY_MS the decision comes later, as it would if a database had to be
 * asked; what is sent to the group meanwhile is not lost.
 */
static int notification_connect(swale_consumer *c) {
  struct server *s = server_of(c);
  struct browser *browser = swale_state(c);
  s->connects++;
  if (s->settings->connect_delay_ms == 0)
    return admit(c);
  browser->consumer = c;
  browser->admission.fire = on_admission;
  swale_timer_start(s->loop, &browser->admission, s->settings->connect_delay_ms);
  return 0;
}

static int notification_disconnect(swale_consumer *c, int code) {
  struct server *s = server_of(c);
  struct browser *browser = swale_state(c);
  (void)code;
  s->disconnects++;
  swale_timer_stop(s->loop, &browser->admission);
  expect_census(s);
  return 0;
}

/* ---- notifications ---- */

static int render_notification(const swale_message *m, swale_buffer *out, void *arg) {
  size_t len;
  const char *text = swale_message_get_str(m, "message", &len);
  (void)arg;
  swale_buffer_puts(out, "{\"message\":");
  swale_json_string(out, text ? text : "", len);
  return swale_buffer_puts(out, "}");
}

static int on_notify(swale_consumer *c, swale_message *m) {
  return swale_send_rendered(c, m, SWALE_TEXT, render_notification, NULL);
}

/* ---- the number of browsers ---- */

static int64_t count_browsers(const struct server *s) {
  return swale_group_count(s->settings->layer, NOTIFICATIONS_GROUP);
}

void consumer_count_browsers(struct swale_timer *census) {
  struct server *s = (struct server *)((char *)census - offsetof(struct server, census));
  swale_message *m = swale_message_new("census");
  swale_message_add_int(m, "connected", count_browsers(s));
  swale_group_send(s->settings->layer, WATCHERS_GROUP, m); /* if it cannot be sent, the next census will */
  swale_message_unref(m);
}

static int render_census(const swale_message *m, swale_buffer *out, void *arg) {
  (void)arg;
  return swale_buffer_printf(out, "{\"connected\":%lld}",
                             (long long)swale_message_get_int(m, "connected", 0));
}

static int on_census(swale_consumer *c, swale_message *m) {
  return swale_send_rendered(c, m, SWALE_TEXT, render_census, NULL);
}

static int watch_count(swale_consumer *c) {
  char json[48];
  int error = swale_join(c, WATCHERS_GROUP);
  if (error < 0)
    return error;
  int len = snprintf(json, sizeof json, "{\"connected\":%lld}", (long long)count_browsers(server_of(c)));
  return swale_send_text(c, json, (size_t)len);
}

/* ---- what clients say ---- */

static int on_value(swale_consumer *c, const struct swale_value *value) {
  struct swale_value want;
  bool wants_count = swale_value_get(value, "want", &want) == 0 && swale_value_is(&want, "count");
  return wants_count ? watch_count(c) : 0;
}

/* What is not understood is not minded either. */
static int on_nonsense(swale_consumer *c, const struct swale_json_error *error) {
  (void)c, (void)error;
  return 0;
}

static int notification_receive(swale_consumer *c, enum swale_kind kind, const void *data, size_t len) {
  static const struct swale_json_receiver receiver = {.on_value = on_value, .on_error = on_nonsense};
  return swale_receive_json(c, kind, data, len, &receiver);
}

static const char *const groups[] = {NOTIFICATIONS_GROUP, NULL};
static const struct swale_handler handlers[] = {{"notify", on_notify}, {"census", on_census}, {NULL, NULL}};

const struct swale_consumer_class notification_consumer = {
    .name = "notification",
    .state_size = sizeof(struct browser),
    .groups = groups,
    .connect = notification_connect,
    .receive = notification_receive,
    .disconnect = notification_disconnect,
    .handlers = handlers,
};
