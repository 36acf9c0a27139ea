/* SPDX-License-Identifier: MIT */
/* A backend that writes down what it is told, and a layer that has it. */
#include <pthread.h>
#include <stdio.h>

#include <swale/backend.h>

#include "crowd.h"

struct journal {
  swale_layer *layer;
  char log[64][SWALE_NAME_SIZE + 16];
  int n;
  uint64_t tickets;
  bool asks_to_wait, attached, broken;
  struct swale_pending *pending;
  int runs, readies, seen;
  swale_loop *meanwhile; /* runs in a thread while a message is being written down */
};

static struct journal journal;

static void write_down(const char *what, const char *name) {
  assert_true(journal.n < 64);
  snprintf(journal.log[journal.n++], sizeof journal.log[0], "%s %s", what, name);
}

#define assert_written(...) check_written((const char *const[]){__VA_ARGS__, NULL}, __FILE__, __LINE__)
static void check_written(const char *const *expected, const char *file, int line) {
  int n = 0;
  for (; expected[n]; n++)
    if (n < journal.n)
      _assert_string_equal(journal.log[n], expected[n], file, line);
  _assert_int_equal((LargestIntegralType)journal.n, (LargestIntegralType)n, file, line);
  journal.n = 0;
}

static int open_journal(struct swale_backend_setup *setup, void **backend, char *why, size_t why_size) {
  if (setup->url && strstr(setup->url, "bad")) {
    snprintf(why, why_size, "a bad URL");
    return SWALE_EFORMAT;
  }
  assert_int_equal(strlen(setup->process), 32);
  journal = (struct journal){.layer = setup->layer};
  setup->local = "local.*";
  setup->has_members = true;
  if (setup->options)
    setup->config->capacity = *(const uint32_t *)setup->options;
  *backend = &journal;
  return 0;
}

static void free_journal(void *backend) { assert_ptr_equal(backend, &journal); }

static int attach(void *backend, swale_loop *home, const struct swale_sockets *sockets) {
  (void)backend, (void)home;
  if (!sockets)
    return SWALE_EINVAL;
  journal.attached = true;
  return 0;
}

static void detach(void *backend) { ((struct journal *)backend)->attached = false; }
static void run(void *backend) {
  struct journal *j = backend;
  j->runs++;
  j->seen = j->n;
}
static void ready(void *backend, int fd, unsigned events) {
  (void)fd, (void)events;
  ((struct journal *)backend)->readies++;
}

static void *run_loop(void *loop) {
  swale_loop_run(loop);
  return NULL;
}

static void run_in_a_thread(swale_loop *loop) {
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, run_loop, loop), 0);
  assert_int_equal(pthread_join(thread, NULL), 0);
}

static int note_send(void *backend, const char *channel, swale_message *m, struct swale_pending *pending) {
  (void)backend, (void)m;
  if (journal.broken)
    return SWALE_EFULL;
  if (journal.meanwhile)
    run_in_a_thread(journal.meanwhile);
  journal.pending = pending;
  write_down("send", channel);
  return 0;
}

static int note_group_send(void *backend, const char *group, swale_message *m,
                           struct swale_pending *pending) {
  (void)backend, (void)m;
  if (journal.broken)
    return SWALE_EFULL;
  journal.pending = pending;
  write_down("group_send", group);
  return 0;
}

static int note_open(void *backend, const char *group, uint64_t *ticket) {
  (void)backend;
  if (journal.broken)
    return SWALE_ENOMEM;
  *ticket = journal.asks_to_wait ? ++journal.tickets : 0;
  write_down("open", group);
  return 0;
}

static void note_close(void *backend, const char *group) {
  (void)backend;
  write_down("close", group);
}

static int note_add(void *backend, const char *group, const char *channel, struct swale_pending *pending) {
  (void)backend, (void)group;
  journal.pending = pending;
  write_down("add", channel);
  return 0;
}

static int note_discard(void *backend, const char *group, const char *channel) {
  (void)backend, (void)group;
  write_down("discard", channel);
  return 0;
}

static int note_listen(void *backend, const char *channel) {
  (void)backend;
  if (journal.broken)
    return SWALE_ENOMEM;
  write_down("listen", channel);
  return 0;
}

static void note_unlisten(void *backend, const char *channel) {
  (void)backend;
  write_down("unlisten", channel);
}

static int note_receive(void *backend, const char *channel, bool wanted) {
  (void)backend;
  if (journal.broken)
    return SWALE_ENOMEM;
  write_down(wanted ? "receive" : "enough", channel);
  return 0;
}

static void note_flush(void *backend) {
  (void)backend;
  write_down("flush", "");
}

static const char *const schemes[] = {"journal", "diary", NULL};
static const struct swale_backend_class class = {.schemes = schemes,
                                                 .open = open_journal,
                                                 .free = free_journal,
                                                 .attach = attach,
                                                 .detach = detach,
                                                 .ready = ready,
                                                 .run = run,
                                                 .send = note_send,
                                                 .group_send = note_group_send,
                                                 .group_open = note_open,
                                                 .group_close = note_close,
                                                 .group_add = note_add,
                                                 .group_discard = note_discard,
                                                 .listen = note_listen,
                                                 .unlisten = note_unlisten,
                                                 .receive = note_receive,
                                                 .flush = note_flush};

/* Closed as any other: crowd_world_close. */
static void open_world(struct crowd_world *w) {
  static const struct swale_backend_class *const backends[] = {&class, NULL};
  struct swale_layer_config config;
  unit_env_init(&w->u);
  swale_layer_config_default(&config);
  config.env = &w->u.env;
  config.backends = backends;
  assert_int_equal(swale_layer_open("Diary://x", &config, &w->layer, NULL, 0), 0);
  crowd_open(&w->crowd, w->layer, &w->u.env);
}

/* And two members of the group "g", on loops of their own or on one. */
static void open_with_two(struct crowd_world *w, struct crowd_member *a, struct crowd_member *b,
                          int loop_of_b) {
  open_world(w);
  crowd_enter(&w->crowd, a, 0);
  crowd_enter(&w->crowd, b, loop_of_b);
  assert_int_equal(swale_group_add(w->layer, "g", a->channel), 0);
  assert_int_equal(swale_group_add(w->layer, "g", b->channel), 0); /* not the first */
  assert_written("open g");
}

static swale_message *frozen_note(int64_t n) {
  swale_message *m = crowd_note(n);
  assert_int_equal(swale_message_freeze(m), 0);
  return m;
}

static void a_backend_is_told_what_concerns_others(void **state) {
  struct crowd_world w;
  struct crowd_member a, b;
  swale_message *m;
  char name[SWALE_NAME_SIZE], own[SWALE_NAME_SIZE];
  (void)state;
  open_with_two(&w, &a, &b, 1);
  assert_int_equal(crowd_group_send(w.layer, "g", 1), 2);
  assert_int_equal(crowd_group_send(w.layer, "nobody", 1), 0);
  assert_written("group_send g", "group_send nobody");
  assert_int_equal(crowd_send(w.layer, a.channel, 2), 0); /* ours, as the next ones */
  assert_int_equal(crowd_send(w.layer, "local.x", 3), 0);
  assert_int_equal(swale_new_channel(w.layer, NULL, name), 0);
  assert_int_equal(crowd_send(w.layer, name, 4), 0);
  assert_int_equal(journal.n, 0);
  assert_int_equal(crowd_send(w.layer, "other", 5), 0);
  assert_written("send other");
  assert_int_equal(swale_group_add(w.layer, "g", "other"), 0);
  assert_int_equal(swale_group_discard(w.layer, "g", "other"), 0);
  assert_written("add other", "discard other");
  assert_int_equal(swale_receive(w.layer, "other", &m), SWALE_EAGAIN);
  assert_int_equal(swale_receive(w.layer, "local.y", &m), SWALE_EAGAIN);
  assert_written("receive other");
  assert_int_equal(swale_new_channel(w.layer, "reply", name), 0);
  snprintf(own, sizeof own, "listen %.*s", (int)(strchr(name, '!') - name + 1), name);
  assert_written(own);
  assert_int_equal(swale_channel_close(w.layer, "other"), 0);
  assert_written("unlisten other");
  crowd_lose(&a);
  assert_int_equal(swale_leave(b.consumer, "g"), 0);
  assert_written("close g");
  assert_int_equal(swale_flush(w.layer), 0);
  assert_written("flush ");
  crowd_world_close(&w);
}

static void what_the_backend_refuses_is_an_error(void **state) {
  struct crowd_world w;
  struct crowd_member a;
  char name[SWALE_NAME_SIZE];
  (void)state;
  open_world(&w);
  crowd_enter(&w.crowd, &a, 0);
  journal.broken = true;
  assert_int_equal(crowd_send(w.layer, "other", 1), SWALE_EFULL);
  assert_int_equal(swale_group_add(w.layer, "g", a.channel), SWALE_ENOMEM);
  assert_int_equal(swale_group_count(w.layer, "g"), 0);
  assert_int_equal(swale_new_channel(w.layer, "reply", name), SWALE_ENOMEM);
  assert_int_equal(crowd_group_send(w.layer, "g", 1), 0); /* those here have it */
  assert_int_equal(crowd_stats(w.layer).refused, 1);
  crowd_world_close(&w);
}

static void what_comes_is_delivered_here(void **state) {
  struct crowd_world w;
  struct crowd_member a, b;
  swale_message *m = frozen_note(7);
  (void)state;
  open_with_two(&w, &a, &b, 1);
  assert_int_equal(swale_backend_deliver_group(w.layer, "g", m), 2);
  assert_int_equal(swale_backend_deliver_group(w.layer, "nobody", m), 0);
  assert_int_equal(swale_backend_deliver(w.layer, b.channel, m), 0);
  assert_int_equal(swale_backend_deliver(w.layer, "plain", m), 0);
  assert_int_equal(journal.n, 0); /* it does not go out again */
  assert_true(swale_backend_is_member(w.layer, "g", a.channel));
  assert_false(swale_backend_is_member(w.layer, "g", "plain"));
  assert_false(swale_backend_is_member(w.layer, "h", a.channel));
  crowd_run(&w.crowd);
  crowd_assert_got(&a, 7);
  crowd_assert_got(&b, 7, 7);
  assert_int_equal(crowd_receive(w.layer, "plain"), 7);
  crowd_lose(&a);
  assert_int_equal(swale_backend_deliver(w.layer, a.channel, m), SWALE_ECLOSED);
  assert_int_equal(crowd_dropped(w.layer, SWALE_DROP_CLOSED), 1);
  swale_message_unref(m);
  crowd_world_close(&w);
}

static void what_does_not_fit_is_counted(void **state) {
  struct crowd_world w;
  struct crowd_member a, b;
  swale_message *m = frozen_note(7);
  (void)state;
  open_with_two(&w, &a, &b, 0);
  for (uint32_t i = 0; i < 100; i++)
    assert_int_equal(swale_backend_deliver(w.layer, "plain", m), 0);
  assert_int_equal(swale_backend_deliver(w.layer, "plain", m), SWALE_EFULL);
  assert_int_equal(swale_backend_capacity(w.layer, "plain"), 100);
  w.u.fail_at = 1;
  assert_int_equal(swale_backend_deliver_group(w.layer, "g", m), 2);
  assert_int_equal(crowd_dropped(w.layer, SWALE_DROP_FULL), 1);
  assert_int_equal(crowd_dropped(w.layer, SWALE_DROP_NOMEM), 2);
  swale_message_unref(m);
  crowd_world_close(&w);
}

static void a_backend_waits_while_an_inbox_is_too_full(void **state) {
  struct crowd_world w;
  struct crowd_member a, b;
  const struct swale_sockets sockets = {0};
  (void)state;
  open_world(&w);
  crowd_close(&w.crowd);
  assert_int_equal(crowd_try_open(&w.crowd, w.layer, &w.u.env, 1000, 1), 0); /* one message in a run */
  assert_true(swale_backend_has_room(w.layer));
  crowd_enter(&w.crowd, &a, 0);
  crowd_enter(&w.crowd, &b, 1);
  assert_int_equal(swale_layer_attach(w.layer, w.crowd.at[1].loop, &sockets), 0);
  int64_t sent = 0;
  while (swale_backend_has_room(w.layer))
    assert_int_equal(crowd_send(w.layer, a.channel, sent++), 0);
  assert_true(sent > 2);
  assert_int_equal(crowd_send(w.layer, a.channel, sent++), 0); /* it is not full yet */
  crowd_run_loop(&w.crowd, 1);
  journal.runs = 0;
  w.crowd.at[1].wakes = 0;
  crowd_run_loop(&w.crowd, 0);
  assert_int_equal(w.crowd.at[1].wakes, 0); /* still more than half */
  crowd_run_loop(&w.crowd, 0);
  assert_int_equal(w.crowd.at[1].wakes, 1);
  assert_int_equal(journal.runs, 0);
  crowd_run(&w.crowd);
  assert_int_equal(journal.runs, 1); /* once */
  assert_true(swale_backend_has_room(w.layer));
  assert_int_equal(a.n_got, sent);
  swale_layer_detach(w.layer);
  crowd_world_close(&w);
}

static void consumers_wait_until_their_groups_are_joined(void **state) {
  struct crowd_world w;
  struct crowd_member a, b, gone;
  (void)state;
  open_world(&w);
  journal.asks_to_wait = true;
  crowd_enter_as(&w.crowd, &a, 0, &crowd_in_group);
  crowd_enter_as(&w.crowd, &gone, 0, &crowd_in_group);
  crowd_enter_as(&w.crowd, &b, 1, &crowd_in_group); /* the same group, the same ticket */
  crowd_lose(&gone);
  crowd_run(&w.crowd);
  assert_int_equal(crowd_group_send(w.layer, "class", 1), 2);
  crowd_run(&w.crowd);
  crowd_assert_got_nothing(&a);
  swale_backend_settled(w.layer, journal.tickets);
  swale_backend_settled(w.layer, 0); /* does not go back */
  assert_int_equal(w.crowd.at[0].wakes, 1);
  crowd_run(&w.crowd);
  crowd_assert_got(&a, 1);
  crowd_assert_got(&b, 1);
  crowd_world_close(&w);
}

static void note_result(int result, void *user) { *(int *)user = result; }

static void completions_are_the_backends(void **state) {
  struct crowd_world w;
  struct crowd_member a;
  int result = 1;
  (void)state;
  open_world(&w);
  crowd_enter(&w.crowd, &a, 0);
  const struct swale_completion then = {w.crowd.at[0].loop, note_result, &result};
  swale_message *m = crowd_note(1);
  assert_int_equal(swale_send_then(w.layer, "other", m, &then), 0);
  crowd_run(&w.crowd);
  assert_int_equal(result, 1);
  swale_backend_complete(journal.pending, SWALE_ECLOSED);
  crowd_run(&w.crowd);
  assert_int_equal(result, SWALE_ECLOSED);
  assert_int_equal(swale_group_add_then(w.layer, "g", "other", &then), 0);
  swale_backend_complete(journal.pending, 0);
  crowd_run(&w.crowd);
  assert_int_equal(result, 0);
  journal.broken = true;
  assert_int_equal(swale_group_send_then(w.layer, "g", m, &then), 0);
  crowd_run(&w.crowd);
  assert_int_equal(result, SWALE_EFULL);
  journal.broken = false;
  journal.asks_to_wait = true;
  assert_int_equal(swale_group_add_then(w.layer, "h", a.channel, &then), 0);
  assert_int_equal(swale_group_add_then(w.layer, "i", a.channel, &then), 0);
  result = 1;
  swale_backend_settled(w.layer, journal.tickets - 1);
  crowd_run(&w.crowd);
  assert_int_equal(result, 0);
  result = 1;
  swale_backend_settled(w.layer, journal.tickets);
  crowd_run(&w.crowd);
  assert_int_equal(result, 0);
  swale_message_unref(m);
  crowd_world_close(&w);
}

static void move_in(int result, swale_message *message, void *user) {
  const struct swale_sockets sockets = {0};
  struct crowd_world *w = user;
  (void)message;
  assert_int_equal(result, SWALE_ECLOSED);
  assert_int_equal(swale_layer_attach(w->layer, journal.meanwhile, &sockets), SWALE_ESTATE);
}

static void a_loop_that_ends_is_no_home(void **state) {
  struct crowd_world w;
  swale_loop *loop;
  (void)state;
  open_world(&w);
  assert_int_equal(swale_loop_new(NULL, &loop), 0);
  const struct swale_reception how = {loop, move_in, &w, 0};
  assert_int_equal(swale_receive_then(w.layer, "local.x", &how, NULL), 0);
  journal.meanwhile = loop;
  assert_int_equal(swale_loop_free(loop), 0);
  assert_false(journal.attached);
  crowd_world_close(&w);
}

static void what_is_written_down_while_the_backend_runs_is_seen_in_the_next_run(void **state) {
  struct crowd_world w;
  const struct swale_sockets sockets = {0};
  (void)state;
  open_world(&w);
  swale_loop *home = w.crowd.at[1].loop;
  assert_int_equal(swale_layer_attach(w.layer, home, &sockets), 0);
  swale_loop_run(home);
  w.crowd.at[1].wakes = 0;
  journal.meanwhile = home;
  assert_int_equal(crowd_send(w.layer, "other", 1), 0);
  journal.meanwhile = NULL;
  assert_int_equal(journal.seen, 0);
  assert_int_equal(w.crowd.at[1].wakes, 1);
  crowd_run(&w.crowd);
  assert_int_equal(journal.seen, 1);
  swale_layer_detach(w.layer);
  crowd_world_close(&w);
}

static void the_home_loop_runs_the_backend(void **state) {
  struct crowd_world w;
  const struct swale_sockets sockets = {0};
  (void)state;
  open_world(&w);
  swale_loop *home = w.crowd.at[1].loop;
  assert_int_equal(crowd_send(w.layer, "other", 1), 0);
  assert_int_equal(swale_layer_attach(w.layer, home, NULL), SWALE_EINVAL);
  assert_int_equal(swale_layer_attach(w.layer, home, &sockets), 0);
  assert_int_equal(swale_layer_attach(w.layer, home, &sockets), SWALE_ESTATE);
  assert_int_equal(journal.runs, 1); /* at the end of the call that attached it */
  w.crowd.at[1].wakes = 0;
  swale_loop_run(home);
  assert_int_equal(crowd_send(w.layer, "other", 1), 0);
  assert_int_equal(crowd_send(w.layer, "other", 1), 0);
  assert_int_equal(w.crowd.at[1].wakes, 1);
  assert_int_equal(swale_loop_timeout_ms(home), 0);
  crowd_run(&w.crowd);
  assert_int_equal(journal.runs, 2);
  swale_layer_ready(w.layer, 5, SWALE_READABLE);
  assert_int_equal(journal.readies, 1);
  assert_int_equal(swale_loop_free(home), SWALE_ESTATE);
  assert_ptr_equal(swale_backend_of(w.layer, &class), &journal);
  swale_layer_detach(w.layer);
  assert_false(journal.attached);
  crowd_world_close(&w);
}

static void note_message(int result, swale_message *m, void *user) {
  *(int64_t *)user = m ? swale_message_get_int(m, "n", -1) : result;
}

static void a_backend_knows_whether_receivers_wait(void **state) {
  struct crowd_world w;
  swale_receiver *first, *second, *third;
  swale_message *m = crowd_note(7);
  int64_t got = 0;
  (void)state;
  open_world(&w);
  assert_int_equal(swale_message_freeze(m), 0);
  const struct swale_reception how = {.loop = w.crowd.at[0].loop, .done = note_message, .user = &got};
  assert_int_equal(swale_receive_then(w.layer, "local.x", &how, &first), 0);
  swale_receive_cancel(first);
  assert_int_equal(journal.n, 0);
  assert_int_equal(swale_receive_then(w.layer, "other", &how, &first), 0);
  assert_int_equal(swale_receive_then(w.layer, "other", &how, &second), 0);
  assert_written("receive other");
  assert_int_equal(swale_backend_deliver(w.layer, "other", m), 1); /* the second one waits */
  crowd_run(&w.crowd);
  assert_int_equal(got, 7);
  assert_int_equal(journal.n, 0);
  assert_int_equal(swale_backend_deliver(w.layer, "other", m), 0);
  assert_written("enough other");
  assert_int_equal(swale_receive_then(w.layer, "other", &how, &third), 0);
  assert_written("receive other");
  swale_receive_cancel(third);
  assert_written("enough other");
  assert_int_equal(swale_receive_then(w.layer, "other", &how, &third), 0);
  swale_receive_cancel(second); /* what was meant for him is the third one's */
  assert_written("receive other", "enough other");
  crowd_run(&w.crowd);
  journal.broken = true;
  got = 0;
  assert_int_equal(swale_receive_then(w.layer, "other", &how, &first), SWALE_ENOMEM);
  assert_null(first);
  crowd_run(&w.crowd);
  assert_int_equal(got, 0);
  assert_int_equal(crowd_stats(w.layer).channels, 0);
  swale_message_unref(m);
  crowd_world_close(&w);
}

static void workers_listen_and_stop(void **state) {
  struct crowd_world w;
  struct crowd_member m = {0};
  (void)state;
  open_world(&w);
  assert_int_equal(swale_app_channel(w.crowd.app, "work", &crowd_worker), 0);
  m = (struct crowd_member){.crowd = &w.crowd};
  w.crowd.seat = &m;
  assert_int_equal(swale_app_serve(w.crowd.app, w.crowd.at[0].loop), 0);
  crowd_run(&w.crowd);
  assert_written("listen work");
  swale_loop_enter(w.crowd.at[0].loop);
  assert_int_equal(swale_close(m.consumer, 1000, NULL), 0);
  swale_loop_leave(w.crowd.at[0].loop);
  assert_written("unlisten work");
  crowd_world_close(&w);
}

static void a_backend_may_refuse_to_open(void **state) {
  static const struct swale_backend_class *const backends[] = {&class, NULL};
  struct swale_layer_config config;
  struct unit_env u;
  swale_layer *layer;
  char why[64];
  uint32_t none = 0, capacity = 9;
  (void)state;
  unit_env_init(&u);
  swale_layer_config_default(&config);
  config.env = &u.env;
  config.backends = backends;
  assert_int_equal(swale_layer_open("journal://bad", &config, &layer, why, sizeof why), SWALE_EFORMAT);
  assert_string_equal(why, "a bad URL");
  assert_int_equal(swale_layer_open("journa://x", &config, &layer, why, sizeof why), SWALE_EUNSUPPORTED);
  assert_int_equal(swale_layer_open_with(&class, &none, &config, &layer, why, sizeof why), SWALE_EINVAL);
  assert_null(layer);
  assert_int_equal(swale_layer_open_with(&class, &capacity, &config, &layer, why, sizeof why), 0);
  assert_int_equal(swale_backend_capacity(layer, "x"), 9);
  assert_null(swale_backend_of(layer, &(struct swale_backend_class){0}));
  assert_int_equal(swale_layer_free(layer), 0);
  assert_int_equal(u.live, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_backend_is_told_what_concerns_others),
      cmocka_unit_test(what_the_backend_refuses_is_an_error),
      cmocka_unit_test(what_comes_is_delivered_here),
      cmocka_unit_test(what_does_not_fit_is_counted),
      cmocka_unit_test(a_backend_waits_while_an_inbox_is_too_full),
      cmocka_unit_test(consumers_wait_until_their_groups_are_joined),
      cmocka_unit_test(completions_are_the_backends),
      cmocka_unit_test(a_loop_that_ends_is_no_home),
      cmocka_unit_test(what_is_written_down_while_the_backend_runs_is_seen_in_the_next_run),
      cmocka_unit_test(the_home_loop_runs_the_backend),
      cmocka_unit_test(a_backend_knows_whether_receivers_wait),
      cmocka_unit_test(workers_listen_and_stop),
      cmocka_unit_test(a_backend_may_refuse_to_open),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
