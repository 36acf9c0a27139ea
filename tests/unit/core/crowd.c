/* SPDX-License-Identifier: MIT */
#include "crowd.h"

#include <stdio.h>

/* ---- the transport: peers that take everything ---- */

static int take_accept(void *transport, const char *subprotocol, const struct swale_header *headers,
                       size_t n) {
  (void)transport, (void)subprotocol, (void)headers, (void)n;
  return 0;
}

/* A consumer that is refused before its connect ran is not told; the peer is. */
static int take_reject(void *transport, int status, const struct swale_header *headers, size_t n,
                       const char *body) {
  (void)headers, (void)n, (void)body;
  struct crowd_member *m = transport;
  m->consumer = NULL;
  m->code = status;
  return 0;
}

static int take_payload(void *transport, swale_payload *payload) {
  (void)transport, (void)payload;
  return 0;
}

static int take_bytes(void *transport, enum swale_kind kind, const void *bytes, size_t len) {
  (void)transport, (void)kind, (void)bytes, (void)len;
  return 0;
}

/* The peer answers when crowd_lose is called. */
static int take_close(void *transport, uint16_t code, const char *reason) {
  (void)code, (void)reason;
  ((struct crowd_member *)transport)->closing = true;
  return 0;
}

static const struct swale_transport_class peers = {
    .type = "crowd",
    .accept = take_accept,
    .reject = take_reject,
    .send = take_payload,
    .send_bytes = take_bytes,
    .close = take_close,
};

/* ---- the consumers ---- */

static struct crowd_member **member_of(swale_consumer *c) { return swale_state(c); }

static int stay_undecided(swale_consumer *c) {
  (void)c;
  return 0;
}

static int take_seat(swale_consumer *c) {
  struct crowd *crowd = swale_consumer_user(c);
  struct crowd_member *m = crowd->seat;
  crowd->seat = NULL;
  *member_of(c) = m;
  if (!m)
    return 0;
  m->consumer = c;
  swale_channel_name(c, m->channel);
  return 0;
}

static int write_down(swale_consumer *c, swale_message *message) {
  struct crowd_member *m = *member_of(c);
  assert_non_null(m);
  assert_ptr_equal(m->consumer, c);
  assert_int_equal(m->disconnects, 0);
  assert_true(m->n_got < CROWD_LOG);
  m->got[m->n_got++] = swale_message_get_int(message, "n", -1);
  if (m->act)
    m->act(m, message);
  return m->answer;
}

static int say_goodbye(swale_consumer *c, int code) {
  struct crowd_member *m = *member_of(c);
  if (!m)
    return 0;
  m->consumer = NULL;
  m->disconnects++;
  m->code = code;
  return 0;
}

static const struct swale_handler handlers[] = {{"note", write_down}, {NULL, NULL}};
static const char *const class_groups[] = {"class", NULL};

#define CROWD_CLASS                                                                                          \
  .state_size = sizeof(struct crowd_member *), .handlers = handlers, .disconnect = say_goodbye

const struct swale_consumer_class crowd_newest = {CROWD_CLASS};
const struct swale_consumer_class crowd_oldest = {CROWD_CLASS, .overflow = SWALE_OVERFLOW_DROP_OLDEST};
const struct swale_consumer_class crowd_closes = {CROWD_CLASS, .overflow = SWALE_OVERFLOW_CLOSE};
const struct swale_consumer_class crowd_undecided = {CROWD_CLASS, .connect = stay_undecided};
const struct swale_consumer_class crowd_in_group = {CROWD_CLASS, .groups = class_groups};
const struct swale_consumer_class crowd_worker = {CROWD_CLASS, .connect = take_seat};

/* ---- opening and closing ---- */

static void count_wake(void *user) { ((struct crowd_loop *)user)->wakes++; }

static void count_report(const struct swale_report *report, void *user) {
  struct crowd *crowd = user;
  if (report->kind == SWALE_REPORT_UNHANDLED)
    crowd->unhandled++;
  if (report->kind == SWALE_REPORT_CALLBACK)
    crowd->callbacks++;
}

static int open_app(struct crowd *crowd) {
  static const struct {
    const char *path;
    const struct swale_consumer_class *cls;
  } routes[] = {{"newest", &crowd_newest},
                {"oldest", &crowd_oldest},
                {"closes", &crowd_closes},
                {"undecided", &crowd_undecided},
                {"group", &crowd_in_group}};
  struct swale_app_config config;
  swale_app_config_default(&config);
  config.env = &crowd->env;
  config.connect_timeout_ms = UINT32_MAX;
  config.on_error = count_report;
  config.user = crowd;
  int rv = swale_app_new(&config, &crowd->app);
  if (rv == 0)
    rv = swale_app_layer(crowd->app, NULL, crowd->layer);
  for (size_t i = 0; rv == 0 && i < sizeof routes / sizeof *routes; i++)
    rv = swale_app_route(crowd->app, routes[i].path, routes[i].cls);
  return rv;
}

int crowd_try_renew_loop(struct crowd *crowd, int loop) {
  struct crowd_loop *at = &crowd->at[loop];
  struct swale_loop_config config;
  swale_loop_config_default(&config);
  config.env = &crowd->env;
  config.wake = count_wake;
  config.user = at;
  if (crowd->inbox_bytes > 0)
    config.inbox_bytes = crowd->inbox_bytes;
  if (crowd->batch > 0)
    config.inbox_batch = crowd->batch;
  at->wakes = 0;
  return swale_loop_new(&config, &at->loop);
}

int crowd_try_open(struct crowd *crowd, swale_layer *layer, const struct swale_env *env, size_t inbox_bytes,
                   uint32_t batch) {
  *crowd = (struct crowd){.env = *env, .layer = layer, .inbox_bytes = inbox_bytes, .batch = batch};
  int rv = open_app(crowd);
  for (int i = 0; rv == 0 && i < CROWD_LOOPS; i++)
    rv = crowd_try_renew_loop(crowd, i);
  if (rv < 0)
    crowd_close(crowd);
  return rv;
}

void crowd_open(struct crowd *crowd, swale_layer *layer, const struct swale_env *env) {
  assert_int_equal(crowd_try_open(crowd, layer, env, 0, 0), 0);
}

void crowd_close(struct crowd *crowd) {
  for (int i = 0; i < CROWD_LOOPS; i++)
    assert_int_equal(swale_loop_free(crowd->at[i].loop), 0);
  assert_int_equal(swale_app_free(crowd->app), 0);
}

void crowd_open_beside(struct crowd *crowd, const struct crowd *other) {
  *crowd = *other;
  crowd->app = NULL;
  crowd->seat = NULL;
  assert_int_equal(open_app(crowd), 0);
}

void crowd_close_beside(struct crowd *crowd) { assert_int_equal(swale_app_free(crowd->app), 0); }

void crowd_world_open(struct crowd_world *w, struct swale_layer_config *config) {
  struct swale_layer_config defaults;
  swale_layer_config_default(&defaults);
  if (!config)
    config = &defaults;
  unit_env_init(&w->u);
  config->env = &w->u.env;
  assert_int_equal(swale_layer_open("memory://", config, &w->layer, NULL, 0), 0);
  crowd_open(&w->crowd, w->layer, &w->u.env);
}

void crowd_world_close(struct crowd_world *w) {
  crowd_run(&w->crowd);
  crowd_stats(w->layer);
  crowd_close(&w->crowd);
  crowd_stats(w->layer);
  assert_int_equal(swale_layer_free(w->layer), 0);
  assert_int_equal(w->u.live, 0);
}

/* ---- members ---- */

static const char *path_of(const struct swale_consumer_class *cls) {
  if (cls == &crowd_oldest)
    return "/oldest";
  if (cls == &crowd_closes)
    return "/closes";
  if (cls == &crowd_in_group)
    return "/group";
  return cls == &crowd_undecided ? "/undecided" : "/newest";
}

int crowd_try_enter(struct crowd *crowd, struct crowd_member *m, int loop,
                    const struct swale_consumer_class *cls) {
  struct swale_request request = {.size = sizeof request, .target = path_of(cls)};
  *m = (struct crowd_member){.crowd = crowd, .loop = loop, .act = m->act, .arg = m->arg};
  swale_loop_enter(crowd->at[loop].loop);
  int rv = swale_consumer_open(crowd->app, crowd->at[loop].loop, &request, &peers, m, &m->consumer);
  if (rv == 0 && m->consumer) {
    *member_of(m->consumer) = m;
    swale_channel_name(m->consumer, m->channel);
  }
  swale_loop_leave(crowd->at[loop].loop);
  return rv;
}

void crowd_enter_as(struct crowd *crowd, struct crowd_member *m, int loop,
                    const struct swale_consumer_class *cls) {
  m->act = NULL;
  m->arg = NULL;
  assert_int_equal(crowd_try_enter(crowd, m, loop, cls), 0);
}

void crowd_enter(struct crowd *crowd, struct crowd_member *m, int loop) {
  crowd_enter_as(crowd, m, loop, &crowd_newest);
}

static swale_loop *loop_of(const struct crowd_member *m) { return m->crowd->at[m->loop].loop; }

void crowd_lose(struct crowd_member *m) {
  swale_loop_enter(loop_of(m));
  swale_consumer_lost(m->consumer, 1000);
  swale_loop_leave(loop_of(m));
}

void crowd_pause(struct crowd_member *m) {
  swale_loop_enter(loop_of(m));
  swale_consumer_pause(m->consumer);
  swale_loop_leave(loop_of(m));
}

void crowd_resume(struct crowd_member *m) {
  swale_loop_enter(loop_of(m));
  swale_consumer_resume(m->consumer);
  swale_loop_leave(loop_of(m));
}

void crowd_run_loop(struct crowd *crowd, int loop) {
  crowd->at[loop].wakes = 0;
  assert_int_equal(swale_loop_run(crowd->at[loop].loop), 0);
}

void crowd_end_loop(struct crowd *crowd, int loop) {
  assert_int_equal(swale_loop_free(crowd->at[loop].loop), 0);
  crowd->at[loop].loop = NULL;
}

void crowd_run(struct crowd *crowd) {
  bool busy = true;
  for (int turn = 0; busy; turn++) {
    assert_true(turn < 10000);
    busy = false;
    for (int i = 0; i < CROWD_LOOPS; i++) {
      if (!crowd->at[i].loop || swale_loop_timeout_ms(crowd->at[i].loop) != 0)
        continue;
      busy = true;
      crowd_run_loop(crowd, i);
    }
  }
}

/* ---- messages ---- */

swale_message *crowd_note(int64_t n) {
  swale_message *m = swale_message_new("note");
  swale_message_add_int(m, "n", n);
  return m;
}

int crowd_send(swale_layer *layer, const char *channel, int64_t n) {
  swale_message *m = crowd_note(n);
  int rv = swale_send(layer, channel, m);
  swale_message_unref(m);
  return rv;
}

int crowd_group_send(swale_layer *layer, const char *group, int64_t n) {
  swale_message *m = crowd_note(n);
  int rv = swale_group_send(layer, group, m);
  swale_message_unref(m);
  return rv;
}

int64_t crowd_receive(swale_layer *layer, const char *channel) {
  swale_message *m;
  int rv = swale_receive(layer, channel, &m);
  if (rv < 0) {
    assert_null(m);
    return rv;
  }
  int64_t n = swale_message_get_int(m, "n", -1);
  swale_message_unref(m);
  return n;
}

/* ---- asserting ---- */

void crowd_check_got(struct crowd_member *m, const int64_t *expected, size_t n, const char *file, int line) {
  for (size_t i = 0; i < n && i < (size_t)m->n_got; i++)
    _assert_int_equal((LargestIntegralType)m->got[i], (LargestIntegralType)expected[i], file, line);
  _assert_int_equal((LargestIntegralType)m->n_got, n, file, line);
  m->n_got = 0;
}

struct swale_layer_stats crowd_balanced_stats(swale_layer *layer, const char *file, int line) {
  struct swale_layer_stats s;
  _assert_true(swale_layer_stats_get(layer, &s) == 0, "there are statistics", file, line);
  uint64_t sum = s.delivered + s.queued;
  for (int i = 0; i < SWALE_DROP_REASONS; i++)
    sum += s.dropped[i];
  _assert_int_equal(s.offered, sum, file, line);
  _assert_true(s.unhandled <= s.delivered, "unhandled <= delivered", file, line);
  return s;
}

uint64_t crowd_dropped(swale_layer *layer, enum swale_drop_reason reason) {
  return crowd_stats(layer).dropped[reason];
}

int crowd_group_lists(swale_layer *layer, const char *group, const char *channel, int *all) {
  struct swale_cursor cursor = {0};
  char name[SWALE_NAME_SIZE];
  int met = 0, rv;
  for (*all = 0; (rv = swale_group_next(layer, group, &cursor, name)) == 1; ++*all)
    met += strcmp(name, channel) == 0;
  assert_int_equal(rv, 0);
  return met;
}
