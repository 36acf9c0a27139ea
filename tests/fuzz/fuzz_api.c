/* SPDX-License-Identifier: MIT */
/*
 * The public API, driven by the input: each byte says what is done next, the ones behind it with what. Callbacks take bytes, too,
 * and do what they say in the middle of a call. The transport is our own, so that it may answer with any error at any time;
 * what it is told after it has been told of the end hits freed memory.
 *
 * What must hold: user code runs only where it may, connect and disconnect come in pairs, messages come in their order and not
 * twice, the books balance after every step, and in the end no memory is left.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <swale/swale.h>
#include <swale/testing.h>
#include <swale/transport.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                                   \
  do                                                                                                         \
    if (!(condition))                                                                                        \
      abort();                                                                                               \
  while (0)

enum { LOOPS = 2, SLOTS = 6, GROUPS = 3, PLAINS = 2, NEST_MAX = 6, BATCH = 3 };

/* What a transport has for a consumer; freed at once when it must not be used any more. */
struct connection {
  struct world *world;
  int slot;
  bool accepted;
};

struct slot {
  swale_loop *loop;
  swale_consumer *consumer;
  struct connection *connection;
};

/* What the class's state holds. */
struct memory {
  uint64_t last_id;
  int connects, disconnects;
  int high;
};

struct world {
  const uint8_t *at, *end;
  swale_testing_env *env;
  const struct swale_env *its;
  swale_layer *layer;
  swale_app *app;
  swale_loop *loops[LOOPS];
  int wakes[LOOPS];
  struct slot slots[SLOTS];
  struct swale_timer timer;
  swale_loop *timer_loop;
  swale_loop *turn; /* the loop of the outermost call */
  int depth;        /* of callbacks */
  int loud;         /* calls in which callbacks may run */
  int quiet;        /* calls in which none may */
  int answer;       /* of the transport, next time */
  int64_t next_id, flushed;
  uint64_t connects, disconnects, reported;
};

static unsigned take(struct world *w) { return w->at < w->end ? *w->at++ : 0; }

static void act(struct world *w, swale_consumer *self);

/* ---- where callbacks may run --------------------------------------------------------------------- */

static void enter_callback(struct world *w, bool nests) {
  REQUIRE(w->loud > 0 && w->quiet == 0);
  REQUIRE(nests || w->depth == 0);
  w->depth++;
}

static void leave_callback(struct world *w, swale_consumer *self) {
  for (unsigned n = take(w) % 4; n > 0 && w->depth < NEST_MAX; n--)
    act(w, self);
  w->depth--;
}

/* Calls from inside callbacks put their callbacks off, but for those that open or deliver. */
static bool begin(struct world *w) {
  bool loud = w->depth == 0;
  if (loud)
    w->loud++;
  else
    w->quiet++;
  return loud;
}

static void end(struct world *w, bool loud) {
  if (loud)
    w->loud--;
  else
    w->quiet--;
}

/* From inside callbacks only their own loop: another would be entered anew, and finish its work in there. */
static bool enter_turn(struct world *w, swale_loop *loop) {
  if (w->depth == 0)
    w->turn = loop;
  return w->turn == loop && w->depth < NEST_MAX;
}

#define QUIETLY(w, call) ((w)->quiet++, (call), (w)->quiet--)

/* ---- the transport ------------------------------------------------------------------------------- */

static int next_answer(struct connection *c) {
  static const int errors[] = {0, 0, 0, SWALE_ENOMEM, SWALE_EFULL, SWALE_ECLOSED, SWALE_EUNSUPPORTED};
  int answer = errors[c->world->answer % 7];
  c->world->answer = 0;
  return answer;
}

static void forget(struct connection *c) {
  struct slot *s = &c->world->slots[c->slot];
  s->consumer = NULL;
  s->connection = NULL;
  free(c);
}

static int accept_it(void *transport, const char *subprotocol, const struct swale_header *headers, size_t n) {
  for (size_t i = 0; i < n; i++)
    REQUIRE(strlen(headers[i].name) > 0 && headers[i].value);
  REQUIRE(!subprotocol || subprotocol[0] == 'p');
  struct connection *c = transport;
  int answer = next_answer(c);
  REQUIRE(!c->accepted);
  c->accepted = answer == 0;
  return answer;
}

static int reject_it(void *transport, int status, const struct swale_header *headers, size_t n,
                     const char *body) {
  (void)headers, (void)n;
  REQUIRE(status >= 400 && status < 600 && (!body || body[0]) && !((struct connection *)transport)->accepted);
  int answer = next_answer(transport);
  forget(transport);
  return answer;
}

static int send_it(void *transport, swale_payload *payload) {
  const struct connection *c = transport;
  size_t len;
  REQUIRE(c->accepted && swale_payload_bytes(payload, &len) != NULL);
  return next_answer(transport);
}

static int send_bytes(void *transport, enum swale_kind kind, const void *bytes, size_t len) {
  const struct connection *c = transport;
  (void)bytes, (void)len;
  REQUIRE(c->accepted && (kind == SWALE_TEXT || kind == SWALE_BINARY));
  return next_answer(transport);
}

static int close_it(void *transport, uint16_t code, const char *reason) {
  REQUIRE(code >= 1000 && code < 5000 && strlen(reason) <= 123 && ((struct connection *)transport)->accepted);
  int answer = next_answer(transport);
  if (answer < 0)
    forget(transport);
  return answer;
}

static size_t waiting(const void *transport) {
  const struct connection *c = transport;
  return c->accepted ? 1000 : 0;
}

static void cut_it(void *transport) { forget(transport); }

static const struct swale_transport_class transport_class = {
    .type = "websocket",
    .accept = accept_it,
    .reject = reject_it,
    .send = send_it,
    .send_bytes = send_bytes,
    .close = close_it,
    .waiting = waiting,
    .cut = cut_it,
};

/* ---- consumers ------------------------------------------------------------------------------------- */

static struct world *world_of(const swale_consumer *c) { return swale_consumer_user(c); }

static int verdict(struct world *w) { return take(w) % 16 == 15 ? -1 : 0; }

static int on_connect(swale_consumer *c) {
  struct world *w = world_of(c);
  struct memory *memory = swale_state(c);
  enter_callback(w, true);
  REQUIRE(memory->connects++ == 0 && swale_scope_path(swale_consumer_scope(c)) != NULL);
  w->connects++;
  if (take(w) % 4)
    QUIETLY(w, swale_accept(c, NULL));
  leave_callback(w, c);
  return verdict(w);
}

static int on_receive(swale_consumer *c, enum swale_kind kind, const void *data, size_t len) {
  struct world *w = world_of(c);
  (void)kind, (void)data, (void)len;
  enter_callback(w, true);
  leave_callback(w, c);
  return verdict(w);
}

static int on_disconnect(swale_consumer *c, int code) {
  struct world *w = world_of(c);
  struct memory *memory = swale_state(c);
  (void)code;
  enter_callback(w, false);
  REQUIRE(memory->connects == 1 && memory->disconnects++ == 0);
  REQUIRE(swale_send_text(c, "x", 1) < 0);
  w->disconnects++;
  leave_callback(w, c);
  return verdict(w);
}

static int on_message(swale_consumer *c, swale_message *m) {
  struct world *w = world_of(c);
  struct memory *memory = swale_state(c);
  int64_t id = swale_message_get_int(m, "id", 0);
  enter_callback(w, false);
  REQUIRE(memory->connects == 1 && memory->disconnects == 0);
  REQUIRE(id > (int64_t)memory->last_id && id > w->flushed);
  memory->last_id = (uint64_t)id;
  leave_callback(w, c);
  return verdict(w);
}

static int on_pressure(swale_consumer *c, int high, size_t bytes) {
  struct world *w = world_of(c);
  struct memory *memory = swale_state(c);
  enter_callback(w, false);
  REQUIRE(memory->connects == 1 && memory->disconnects == 0 && memory->high == !high);
  REQUIRE(bytes == swale_waiting(c));
  memory->high = high;
  leave_callback(w, c);
  return verdict(w);
}

static const struct swale_handler handlers[] = {{"event", on_message}, {NULL, NULL}};
static const char *const some_groups[] = {"g.0", "g.1", NULL};
static const char *const protocols[] = {"p2", "p1", NULL};

#define CLASS(n, ...)                                                                                        \
  {                                                                                                          \
    .name = n, .state_size = sizeof(struct memory), .connect = on_connect, .receive = on_receive,            \
    .disconnect = on_disconnect, .handlers = handlers, .pressure = on_pressure, __VA_ARGS__                  \
  }
static const struct swale_consumer_class classes[] = {
    CLASS("newest", .groups = some_groups),
    CLASS("oldest", .overflow = SWALE_OVERFLOW_DROP_OLDEST, .subprotocols = protocols, .conflate_key = "key"),
    CLASS("close", .overflow = SWALE_OVERFLOW_CLOSE, .groups = some_groups + 1),
};
static const struct swale_consumer_class worker = CLASS("worker", .groups = some_groups);

static int guard(swale_scope *scope, void *world) {
  enter_callback(world, true);
  swale_scope_set(scope, "user", world, NULL);
  leave_callback(world, NULL);
  return verdict(world) ? 403 : 0;
}

static void on_error(const struct swale_report *report, void *world) {
  enter_callback(world, true);
  REQUIRE(report->detail != NULL);
  leave_callback(world, NULL);
}

static void on_drop(const struct swale_drop *drop, void *world) {
  struct world *w = world;
  enter_callback(w, false);
  REQUIRE(drop->count > 0 && (drop->count == 1 || !drop->channel[0]));
  w->reported += drop->count;
  leave_callback(w, NULL);
}

static void on_timer(struct swale_timer *timer) {
  struct world *w = (struct world *)((char *)timer - offsetof(struct world, timer));
  enter_callback(w, false);
  w->timer_loop = NULL;
  leave_callback(w, NULL);
}

static void wake(void *count) {
  int *wakes = count;
  REQUIRE(++*wakes == 1);
}

/* ---- setting up ------------------------------------------------------------------------------------ */

static void make_loop(struct world *w, int i) {
  struct swale_loop_config config;
  swale_loop_config_default(&config);
  config.env = w->its;
  config.wake = wake;
  config.user = &w->wakes[i];
  config.inbox_batch = BATCH;
  config.inbox_bytes = 4000;
  w->wakes[i] = 0;
  REQUIRE(swale_loop_new(&config, &w->loops[i]) == 0);
}

static void set_up(struct world *w) {
  struct swale_layer_config layer;
  struct swale_app_config app;
  swale_layer_config_default(&layer);
  swale_app_config_default(&app);
  w->env = swale_testing_env_new(1);
  layer.env = app.env = w->its = swale_testing_env_get(w->env);
  layer.user = app.user = w;
  layer.on_drop = on_drop;
  layer.capacity = 2;
  layer.expiry_ms = 100;
  layer.group_expiry_ms = 300;
  layer.channels_max = 3;
  app.on_error = on_error;
  app.connect_timeout_ms = 50;
  app.consumers_max = SLOTS + 2;
  REQUIRE(swale_layer_open("memory://", &layer, &w->layer, NULL, 0) == 0);
  REQUIRE(swale_app_new(&app, &w->app) == 0 && swale_app_layer(w->app, NULL, w->layer) == 0);
  REQUIRE(swale_app_route(w->app, "a/<int:n>", &classes[0]) == 0);
  REQUIRE(swale_app_route(w->app, "b/", &classes[1]) == 0 && swale_app_default(w->app, &classes[2]) == 0);
  REQUIRE(swale_app_channel(w->app, "jobs", &worker) == 0 && swale_app_guard(w->app, guard, w) == 0);
  for (int i = 0; i < LOOPS; i++)
    make_loop(w, i);
  w->timer.fire = on_timer;
}

/* ---- what there is to do --------------------------------------------------------------------------- */

static const char *const group_names[GROUPS] = {"g.0", "g.1", "g.2"}, *const plain_names[PLAINS] = {"jobs",
                                                                                                    "box"};

static const char *a_group(struct world *w) { return group_names[take(w) % GROUPS]; }
static swale_loop *a_loop(struct world *w) { return w->loops[take(w) % LOOPS]; }
static struct slot *a_slot(struct world *w) { return &w->slots[take(w) % SLOTS]; }

static swale_consumer *a_consumer(struct world *w, swale_consumer *self) {
  unsigned which = take(w) % (SLOTS + 1);
  return which == SLOTS ? self : w->slots[which].consumer;
}

static void open_one(struct world *w) {
  static const char *const targets[] = {"/a/7", "/b/?x=1", "/c", "/%", "/a/x"};
  struct slot *s = a_slot(w);
  const char *offers[] = {"p1", "q"};
  struct swale_header header = {"X-Note", "1"};
  struct swale_request request = {.size = sizeof request,
                                  .target = targets[take(w) % 5],
                                  .scheme = "ws",
                                  .headers = &header,
                                  .n_headers = 1,
                                  .subprotocols = offers,
                                  .n_subprotocols = 2};
  if (s->connection || !enter_turn(w, s->loop))
    return;
  struct connection *c = s->connection = malloc(sizeof *c);
  *c = (struct connection){w, (int)(s - w->slots), false};
  w->loud++;
  int rv = swale_consumer_open(w->app, s->loop, &request, &transport_class, c, &s->consumer);
  w->loud--;
  REQUIRE(rv == 0 || (rv >= 400 && rv < 600) || rv == SWALE_ENOMEM || rv == SWALE_ERANDOM ||
          rv == SWALE_ESTATE);
  if (rv != 0)
    forget(c);
}

static void lose(struct world *w, struct slot *s) {
  if (!s->consumer)
    return;
  swale_consumer *c = s->consumer;
  swale_loop *loop = s->loop;
  bool loud = begin(w);
  swale_loop_enter(loop);
  forget(s->connection);
  swale_consumer_lost(c, 1000 + (int)take(w) % 16);
  swale_loop_leave(loop);
  end(w, loud);
}

static void transport_event(struct world *w, unsigned what) {
  struct slot *s = a_slot(w);
  if (!s->consumer || !enter_turn(w, s->loop))
    return;
  if (what == 0) {
    lose(w, s);
    return;
  }
  w->loud++;
  swale_loop_enter(s->loop);
  if (what == 1)
    swale_consumer_pause(s->consumer);
  else if (what == 2)
    swale_consumer_resume(s->consumer);
  else
    swale_consumer_deliver(s->consumer, what == 3 ? SWALE_TEXT : SWALE_BINARY, "some bytes", take(w) % 11);
  swale_loop_leave(s->loop);
  w->loud--;
}

static int render(const swale_message *m, swale_buffer *out, void *arg) {
  (void)arg;
  return swale_buffer_printf(out, "%lld", (long long)swale_message_get_int(m, "id", 0));
}

static swale_message *make_message(struct world *w) {
  swale_message *m = swale_message_new_with(take(w) % 8 ? "event" : "other", 0, &w->its->allocator);
  swale_message_add_int(m, "id", ++w->next_id);
  swale_message_add_int(m, "key", w->next_id % 3);
  if (take(w) % 16 == 1)
    swale_message_add_bytes(m, "ballast", group_names, sizeof group_names);
  return m;
}

static void consumer_speaks(struct world *w, swale_consumer *c, unsigned what) {
  static const uint16_t codes[] = {1000, 1001, 4000, 1006};
  swale_message *m;
  if (!c)
    return;
  switch (what) {
  case 0:
    QUIETLY(w, swale_accept(c, take(w) % 4 ? NULL : "p1"));
    break;
  case 1:
    QUIETLY(w, swale_reject(c, 400 + (int)take(w) % 201, take(w) % 2 ? "no" : NULL));
    break;
  case 2:
    QUIETLY(w, swale_close(c, codes[take(w) % 4], take(w) % 2 ? "bye" : NULL));
    break;
  case 3:
    QUIETLY(w, swale_send_text(c, "text", take(w) % 5));
    break;
  case 4:
    QUIETLY(w, swale_add_header(c, take(w) % 4 ? "X-More" : "Upgrade", "1"));
    break;
  default:
    m = make_message(w);
    if (swale_message_freeze(m) == 0)
      QUIETLY(w, swale_send_rendered(c, m, SWALE_TEXT, render, NULL));
    swale_message_unref(m);
  }
}

/* By the consumer or by its name; LOST ones too. */
static void change_groups(struct world *w, swale_consumer *c) {
  char name[SWALE_NAME_SIZE];
  unsigned what = take(w);
  const char *group = a_group(w);
  if (what % 8 == 7) {
    const char *plain = plain_names[take(w) % PLAINS];
    QUIETLY(w,
            what & 8 ? swale_group_add(w->layer, group, plain) : swale_group_discard(w->layer, group, plain));
  } else if (c && what % 4 == 0) {
    QUIETLY(w, swale_join(c, group));
  } else if (c && what % 4 == 1) {
    QUIETLY(w, swale_leave(c, group));
  } else if (c) {
    swale_channel_name(c, name);
    QUIETLY(w,
            what & 8 ? swale_group_add(w->layer, group, name) : swale_group_discard(w->layer, group, name));
  }
}

static void send_message(struct world *w, swale_consumer *c, unsigned what) {
  char name[SWALE_NAME_SIZE] = "no such name";
  swale_message *m = make_message(w);
  int64_t rv = 0, members = 0;
  w->quiet++;
  if (what == 0) {
    const char *group = a_group(w);
    members = swale_group_count(w->layer, group);
    rv = swale_group_send(w->layer, group, m);
    REQUIRE(rv < 0 || rv == members);
  } else if (what == 1) {
    rv = swale_send(w->layer, plain_names[take(w) % PLAINS], m);
  } else {
    rv = swale_send(w->layer, c ? swale_channel_name(c, name) : name, m);
    REQUIRE(c || rv == SWALE_ENAME);
  }
  w->quiet--;
  swale_message_unref(m);
}

static void use_plain(struct world *w) {
  swale_message *m;
  char name[SWALE_NAME_SIZE];
  unsigned what = take(w) % 4;
  const char *plain = plain_names[take(w) % PLAINS];
  w->quiet++;
  if (what == 0 && swale_receive(w->layer, plain, &m) == 0) {
    REQUIRE(swale_message_get_int(m, "id", 0) > w->flushed);
    swale_message_unref(m);
  } else if (what == 1) {
    swale_channel_close(w->layer, plain);
  } else if (what == 2 && swale_new_channel(w->layer, "fresh", name) == 0) {
    REQUIRE(swale_group_add(w->layer, "g.2", name) <= 0);
  }
  w->quiet--;
}

static void look_around(struct world *w, swale_consumer *c) {
  char name[SWALE_NAME_SIZE];
  struct swale_cursor cursor = {0};
  struct swale_channel_stats stats;
  w->quiet++;
  if (c && take(w) % 2) {
    swale_channel_name(c, name);
    for (int i = 0; i < 8 && swale_channel_next_group(w->layer, name, &cursor, name) == 1; i++)
      swale_channel_name(c, name);
    if (swale_channel_stats_get(w->layer, name, &stats) == 0)
      REQUIRE(stats.depth <= stats.capacity);
    swale_consumer_find(w->loops[0], w->layer, name);
  } else {
    const char *group = a_group(w);
    for (int i = 0; i < 16 && swale_group_next(w->layer, group, &cursor, name) == 1; i++)
      change_groups(w, c);
  }
  w->quiet--;
}

static void set_timer(struct world *w) {
  if (w->timer_loop)
    swale_timer_stop(w->timer_loop, &w->timer);
  w->timer_loop = w->depth > 0 ? w->turn : a_loop(w);
  swale_timer_start(w->timer_loop, &w->timer, take(w) * 7);
}

static void change_memory(struct world *w) {
  unsigned n = take(w);
  swale_testing_fail_allocation(w->env, n % 32, n & 128);
  swale_testing_fail_random(w->env, n == 255);
}

/* What only the outermost level does. */
static void run(struct world *w, int i) {
  w->wakes[i] = 0;
  w->turn = w->loops[i];
  w->loud++;
  REQUIRE(swale_loop_run(w->loops[i]) == 0);
  w->loud--;
}

static void end_loop(struct world *w, int i) {
  for (int s = 0; s < SLOTS; s++)
    if (w->slots[s].loop == w->loops[i])
      lose(w, &w->slots[s]);
  if (w->timer_loop == w->loops[i]) {
    swale_timer_stop(w->timer_loop, &w->timer);
    w->timer_loop = NULL;
  }
  w->turn = w->loops[i];
  w->loud++;
  REQUIRE(swale_loop_free(w->loops[i]) == 0);
  w->loud--;
}

static void renew_loop(struct world *w, int i) {
  swale_loop *old = w->loops[i];
  const uint8_t *end_of_input = w->end;
  w->end = w->at; /* nothing new meanwhile */
  end_loop(w, i);
  w->end = end_of_input;
  swale_testing_fail_allocation(w->env, 0, 0);
  make_loop(w, i);
  for (int s = 0; s < SLOTS; s++)
    if (w->slots[s].loop == old)
      w->slots[s].loop = w->loops[i];
}

static void on_done(const struct swale_drain_report *r, void *world) {
  enter_callback(world, false);
  REQUIRE(r->closed + r->cut <= r->consumers && r->consumers <= r->closed + r->cut + r->refused);
  leave_callback(world, NULL);
}

static void drain(struct world *w, swale_loop *loop) {
  struct swale_drain_config config;
  unsigned how = take(w);
  swale_drain_config_default(&config);
  config.batch = 1 + how % 3;
  config.period_ms = how % 4 * 1000;
  config.deadline_ms = config.period_ms + how + 1;
  config.on_done = on_done;
  config.user = w;
  w->quiet++;
  int rv = swale_loop_drain(loop, &config);
  REQUIRE(rv == 0 || rv == SWALE_ESTATE || rv == SWALE_ENOMEM);
  REQUIRE(swale_loop_draining(loop) == (rv != SWALE_ENOMEM));
  w->quiet--;
}

static void act_outside(struct world *w, unsigned what) {
  int i = (int)take(w) % LOOPS;
  switch (what) {
  case 0:
  case 1:
    run(w, i);
    break;
  case 2:
    swale_testing_advance(w->env, take(w) * (uint64_t)(i ? 1 : 50));
    break;
  case 3:
    renew_loop(w, i);
    break;
  case 4:
    QUIETLY(w, swale_loop_close_all(w->loops[i], 1001, "all"));
    break;
  default:
    REQUIRE(swale_loop_timeout_ms(w->loops[i]) >= -1);
    if (take(w) % 8 == 1)
      drain(w, w->loops[i]);
  }
}

static void act_inside(struct world *w) {
  w->quiet++;
  REQUIRE(w->timer_loop != w->turn || swale_timer_armed(&w->timer));
  REQUIRE(swale_loop_run(w->turn) == SWALE_ESTATE && swale_loop_free(w->turn) == SWALE_ESTATE);
  if (w->connects > w->disconnects)
    REQUIRE(swale_app_free(w->app) == SWALE_ESTATE || swale_app_consumers(w->app) == 0);
  swale_loop_timeout_ms(w->turn);
  unsigned how = take(w);
  if (how % 16 == 2)
    drain(w, w->turn);
  else
    swale_loop_close_all(w->turn, how % 2 ? 1001 : 1006, NULL);
  w->quiet--;
}

static void act(struct world *w, swale_consumer *self) {
  unsigned what = take(w) % 32;
  if (what < 4)
    open_one(w);
  else if (what < 9)
    transport_event(w, what - 4);
  else if (what < 15)
    consumer_speaks(w, a_consumer(w, self), what - 9);
  else if (what < 17)
    change_groups(w, a_consumer(w, self));
  else if (what < 20)
    send_message(w, a_consumer(w, self), what - 17);
  else if (what == 20)
    use_plain(w);
  else if (what == 21)
    look_around(w, a_consumer(w, self));
  else if (what == 22)
    set_timer(w);
  else if (what == 23)
    change_memory(w);
  else if (what == 24)
    w->answer = (int)take(w);
  else if (what == 25) {
    QUIETLY(w, swale_flush(w->layer));
    w->flushed = w->next_id;
  } else if (what == 26)
    QUIETLY(w, swale_app_serve(w->app, w->depth > 0 ? w->turn : a_loop(w)));
  else if (w->depth > 0)
    act_inside(w);
  else
    act_outside(w, what - 27 + take(w) % 2);
}

/* ---- what must hold -------------------------------------------------------------------------------- */

static void check_books(struct world *w) {
  struct swale_layer_stats s;
  uint64_t dropped = 0;
  REQUIRE(swale_layer_stats_get(w->layer, &s) == 0);
  for (int i = 0; i < SWALE_DROP_REASONS; i++)
    dropped += s.dropped[i];
  REQUIRE(s.offered == s.delivered + s.queued + dropped);
  REQUIRE(w->reported <= dropped && w->depth == 0 && w->loud == 0 && w->quiet == 0);
}

static void tear_down(struct world *w) {
  for (int i = 0; i < LOOPS; i++)
    end_loop(w, i);
  check_books(w);
  REQUIRE(w->connects == w->disconnects);
  REQUIRE(swale_app_free(w->app) == 0 && swale_layer_free(w->layer) == 0);
  REQUIRE(swale_testing_env_free(w->env) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct world w = {.at = data, .end = data + size};
  set_up(&w);
  for (int i = 0; i < SLOTS; i++)
    w.slots[i].loop = w.loops[i % 3 == 2];
  while (w.at < w.end) {
    act(&w, NULL);
    check_books(&w);
  }
  tear_down(&w);
  return 0;
}
