/* SPDX-License-Identifier: MIT */
#include "edge.h"

#include <swale/json.h>

/*
 * The consumer that board/consumers.py is in Python, and the two may serve the same group at once: a view's
 * group_send("board", {"type": "board.note", ...}) reaches the browsers of both.
 */

static int on_connect(swale_consumer *c) { return swale_accept(c, NULL); }

/* {"text": ...}, rendered once for all browsers here. */
static int render_note(const swale_message *m, swale_buffer *out, void *arg) {
  size_t len;
  const char *text = swale_message_get_str(m, "text", &len);
  (void)arg;
  swale_buffer_puts(out, "{\"text\":");
  swale_json_string(out, text ? text : "", len);
  return swale_buffer_puts(out, "}");
}

static int on_note(swale_consumer *c, swale_message *m) {
  return swale_send_rendered(c, m, SWALE_TEXT, render_note, NULL);
}

static const char *const groups[] = {"board", NULL};
static const struct swale_handler handlers[] = {{"board.note", on_note}, {NULL, NULL}};

const struct swale_consumer_class board = {
    .name = "board",
    .groups = groups,
    .connect = on_connect,
    .handlers = handlers,
};
