/* SPDX-License-Identifier: MIT */
/*
 * A whole example, as a user of swale would write it: the consumer of Channels' chat tutorial, and its tests.
 * No socket, no thread, no waiting.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <swale/swale.h>
#include <swale/testing.h>

/* ---- the program: a chat room per path, kept in order by a word that must not be said ----------- */

struct chat {
  char room[SWALE_NAME_SIZE];
  int said;
};

static int chat_connect(swale_consumer *c) {
  struct chat *chat = swale_state(c);
  const char *name = swale_scope_param_text(swale_consumer_scope(c), "room");
  snprintf(chat->room, sizeof chat->room, "chat_%s", name);
  int rv = swale_join(c, chat->room);
  if (rv == SWALE_ENAME)
    return swale_reject(c, 404, "no such room");
  return rv ? rv : swale_accept(c, NULL);
}

static int chat_receive(swale_consumer *c, enum swale_kind kind, const void *data, size_t len) {
  struct chat *chat = swale_state(c);
  if (kind != SWALE_TEXT)
    return swale_close(c, 1003, "text only");
  if (memmem(data, len, "swearword", strlen("swearword")))
    return swale_close(c, 4001, "mind your language");
  swale_message *m = swale_message_new("chat.message");
  swale_message_add_strn(m, "text", data, len);
  swale_message_add_int(m, "number", ++chat->said);
  int rv = swale_group_send(swale_consumer_layer(c), chat->room, m);
  swale_message_unref(m);
  return rv < 0 ? rv : 0;
}

static int chat_disconnect(swale_consumer *c, int code) {
  struct chat *chat = swale_state(c);
  swale_message *m = swale_message_new("chat.left");
  swale_message_add_int(m, "code", code);
  int rv = swale_group_send(swale_consumer_layer(c), chat->room, m);
  swale_message_unref(m);
  return rv < 0 ? rv : 0;
}

static int render_text(const swale_message *m, swale_buffer *out, void *arg) {
  size_t len;
  const char *text = swale_message_get_str(m, "text", &len);
  (void)arg;
  return swale_buffer_append(out, text, len);
}

static int chat_message(swale_consumer *c, swale_message *m) {
  return swale_send_rendered(c, m, SWALE_TEXT, render_text, NULL);
}

static int chat_left(swale_consumer *c, swale_message *m) {
  char text[64];
  int len = snprintf(text, sizeof text, "somebody left (%d)", (int)swale_message_get_int(m, "code", 0));
  return swale_send_text(c, text, (size_t)len);
}

static const struct swale_handler chat_handlers[] = {
    {"chat.message", chat_message},
    {"chat.left", chat_left},
    {NULL, NULL},
};

static const struct swale_consumer_class chat_consumer = {
    .name = "chat",
    .state_size = sizeof(struct chat),
    .connect = chat_connect,
    .receive = chat_receive,
    .disconnect = chat_disconnect,
    .handlers = chat_handlers,
};

/* ---- its tests ----------------------------------------------------------------------------------- */

struct fixture {
  swale_layer *layer;
  swale_loop *loop;
  swale_app *app;
};

static int setup(void **state) {
  static struct fixture f;
  *state = &f;
  if (swale_layer_open("memory://", NULL, &f.layer, NULL, 0) || swale_loop_new(NULL, &f.loop) ||
      swale_app_new(NULL, &f.app))
    return -1;
  if (swale_app_layer(f.app, NULL, f.layer))
    return -1;
  return swale_app_route(f.app, "ws/chat/<room>/", &chat_consumer);
}

static int teardown(void **state) {
  struct fixture *f = *state;
  if (swale_loop_free(f->loop) || swale_app_free(f->app))
    return -1;
  return swale_layer_free(f->layer);
}

static swale_communicator *enter(struct fixture *f, const char *path) {
  swale_communicator *p;
  assert_int_equal(swale_communicator_new(f->app, f->loop, path, NULL, &p), 0);
  assert_int_equal(swale_communicator_connect(p), 0);
  return p;
}

static void everybody_in_the_room_hears_what_one_says(void **state) {
  swale_communicator *ann = enter(*state, "/ws/chat/lobby/"), *bob = enter(*state, "/ws/chat/lobby/");
  swale_communicator *eve = enter(*state, "/ws/chat/elsewhere/");
  assert_int_equal(swale_communicator_send_text(ann, "hello"), 0);
  assert_true(swale_communicator_expect_text(ann, "hello"));
  assert_true(swale_communicator_expect_text(bob, "hello"));
  assert_true(swale_communicator_expect_nothing(eve));
  swale_communicator_free(ann);
  swale_communicator_free(bob);
  swale_communicator_free(eve);
}

static void a_room_is_told_who_left(void **state) {
  swale_communicator *ann = enter(*state, "/ws/chat/lobby/"), *bob = enter(*state, "/ws/chat/lobby/");
  assert_int_equal(swale_communicator_disconnect(ann, 1000), 0);
  assert_true(swale_communicator_expect_text(bob, "somebody left (1000)"));
  swale_communicator_free(ann);
  swale_communicator_free(bob);
}

static void who_swears_is_sent_out(void **state) {
  swale_communicator *ann = enter(*state, "/ws/chat/lobby/"), *bob = enter(*state, "/ws/chat/lobby/");
  assert_int_equal(swale_communicator_send_text(ann, "what a swearword!"), 0);
  assert_int_equal(swale_communicator_close_code(ann), 4001);
  assert_string_equal(swale_communicator_close_reason(ann), "mind your language");
  assert_true(swale_communicator_expect_text(bob, "somebody left (4001)"));
  assert_true(swale_communicator_expect_nothing(bob));
  swale_communicator_free(ann);
  swale_communicator_free(bob);
}

static void pictures_are_not_taken(void **state) {
  swale_communicator *ann = enter(*state, "/ws/chat/lobby/");
  assert_int_equal(swale_communicator_send(ann, SWALE_BINARY, "\x89PNG", 4), 0);
  assert_int_equal(swale_communicator_close_code(ann), 1003);
  swale_communicator_free(ann);
}

static void a_room_needs_a_proper_name(void **state) {
  struct fixture *f = *state;
  swale_communicator *ann;
  assert_int_equal(swale_communicator_new(f->app, f->loop, "/ws/chat/no%20such/", NULL, &ann), 0);
  assert_int_equal(swale_communicator_connect(ann), 404);
  assert_string_equal(swale_communicator_body(ann), "no such room");
  swale_communicator_free(ann);
}

static void a_slow_reader_catches_up(void **state) {
  swale_communicator *ann = enter(*state, "/ws/chat/lobby/"), *bob = enter(*state, "/ws/chat/lobby/");
  swale_communicator_stall(bob, 1);
  swale_communicator_send_text(ann, "one");
  swale_communicator_send_text(ann, "two");
  assert_true(swale_communicator_expect_nothing(bob));
  swale_communicator_stall(bob, 0);
  assert_true(swale_communicator_expect_text(bob, "one"));
  assert_true(swale_communicator_expect_text(bob, "two"));
  swale_communicator_free(ann);
  swale_communicator_free(bob);
}

#define chat_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      chat_test(everybody_in_the_room_hears_what_one_says),
      chat_test(a_room_is_told_who_left),
      chat_test(who_swears_is_sent_out),
      chat_test(pictures_are_not_taken),
      chat_test(a_room_needs_a_proper_name),
      chat_test(a_slow_reader_catches_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
