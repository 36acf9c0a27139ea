/* SPDX-License-Identifier: MIT */
#ifndef NOTIFICATIONS_H
#define NOTIFICATIONS_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include <swale/adapters/epoll.h>
#include <swale/swale.h>
#include <swale/ws.h>

/* What all threads share; constant once they run. */
struct settings {
  swale_layer *layer;
  int listener;              /* a listening socket */
  int signals;               /* a signalfd, readable from SIGINT or SIGTERM on; nobody reads it */
  uint32_t connect_delay_ms; /* of every WebSocket's acceptance; see consumer.c */
};

LIST_HEAD(upgrades, upgrade);

/*
 * One epoll loop, run by one thread: the HTTP daemon of libmicrohttpd, the WebSockets it handed over, and
 * swale. epoll knows a WebSocket by the address of its struct upgrade, the layer's sockets by a mark, and every
 * other descriptor by the address of the int.
 */
struct server {
  const struct settings *settings;
  struct MHD_Daemon *http;
  swale_app *app; /* one per thread, so that consumers find their server in swale_consumer_user */
  swale_loop *loop;
  struct swale_ws_options options;
  struct swale_ws_deflate deflate;
  int epoll, waker, signals, http_epoll;
  bool stopping;
  bool hosts_layer;
  struct swale_epoll layer_io; /* the layer's sockets, if this is its home */
  bool http_due;               /* MHD_run has something to do */
  struct upgrades open;        /* WebSocket requests and what became of them */
  struct upgrades ended;       /* those that nobody needs any more */
  struct swale_timer census;   /* until browsers are told how many they are */
  uint64_t connects, disconnects;
};

/* ---- server.c ---- */

/* Makes the server, which then waits for server_run. Prints what went wrong. */
bool server_start(struct server *s, const struct settings *settings);

/* Makes the server's loop the home of the layer, for one that talks to Redis. */
bool server_host_layer(struct server *s);

/* Runs until a signal and until all browsers have left, or close_ms later. */
void server_run(struct server *s);

/* ---- http.c: requests ---- */

/* The daemon, not listening to anything but `listener`, which it closes in the end. NULL on errors. */
struct MHD_Daemon *http_start(struct server *s, int listener);

/* An answer of {"error": reason}. */
enum MHD_Result http_refuse(struct MHD_Connection *connection, unsigned status, const char *reason);

/* An answer of JSON text, which is copied. */
enum MHD_Result http_answer_json(struct MHD_Connection *connection, unsigned status, const char *json);

/* ---- send.c: POST /send_notification/ ---- */

enum MHD_Result send_notification(struct server *s, struct MHD_Connection *connection, const char *body,
                                  size_t len);

/* ---- upgrade.c: GET /ws/... ---- */

/* Takes a whole request. NULL when there is no room for it. */
struct upgrade *upgrade_new(struct server *s, struct MHD_Connection *connection, const char *method,
                            const char *version, const char *target);

/* Answers the request, or has libmicrohttpd ask again when the consumer has decided. */
enum MHD_Result upgrade_answer(struct upgrade *u, struct MHD_Connection *connection);

/* libmicrohttpd has forgotten the request. Calls nothing of libmicrohttpd's or swale's. */
void upgrade_forget(struct upgrade *u);

void upgrade_on_event(struct upgrade *u, uint32_t events);
void upgrade_on_output(swale_ws *ws, void *upgrade);
void upgrade_on_answer(swale_ws *ws, void *upgrade);
void upgrade_bury_ended(struct server *s);

/* ---- consumer.c: what happens on a WebSocket ---- */

#define NOTIFICATIONS_GROUP "notifications_group"

extern const struct swale_consumer_class notification_consumer;

/* The census timer's function. */
void consumer_count_browsers(struct swale_timer *census);

/* ---- page.c: GET / ---- */

extern const unsigned char page[];
extern const size_t page_len;

#endif
