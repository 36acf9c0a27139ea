/* SPDX-License-Identifier: MIT */
#include "redis/world.h"

static struct world *world_of(struct swale__redis_link *link) { return link->owner; }
void world_up(struct swale__redis_link *link) { world_of(link)->ups++; }
void world_down(struct swale__redis_link *link) { world_of(link)->downs++; }
void world_turned(struct swale__redis_link *link) { world_of(link)->turns++; }
static void push(struct swale__redis_link *link, const struct swale__redis_reply *r) {
  (void)r;
  world_of(link)->pushes++;
}

const struct swale__redis_link_class world_asks = {.up = world_up,
                                                   .down = world_down,
                                                   .turned = world_turned},
                                     world_hears = {.up = world_up,
                                                    .down = world_down,
                                                    .turned = world_turned,
                                                    .push = push};

static void watch(int fd, unsigned events, void *user) {
  struct home *h = user;
  h->n_fds = events ? 1 : 0;
  h->fds[0] = (struct pollfd){
      .fd = fd,
      .events = (short)((events & SWALE_READABLE ? POLLIN : 0) | (events & SWALE_WRITABLE ? POLLOUT : 0))};
}

void world_open(struct world *w, const struct swale__redis_link_class *class,
                const struct fake_answer *answers, const struct swale_redis_host *host) {
  struct swale_redis_config c;
  struct swale_loop_config loop;
  memset(w, 0, sizeof *w);
  unit_env_init(&w->u);
  fake_open(&w->fake, answers);
  if (host)
    w->host = *host;
  w->host.host = "127.0.0.1";
  w->host.port = (uint16_t)w->fake.port;
  swale_redis_config_default(&c);
  c.hosts = &w->host;
  c.command_timeout_ms = 1000;
  c.connect_timeout_ms = 500;
  c.payload_bytes = 1000;
  const struct swale__redis_why why = {NULL, 0};
  assert_int_equal(swale__redis_settings_new(&c, &w->u.env, &why, &w->settings), 0);
  swale_loop_config_default(&loop);
  loop.env = &w->u.env;
  assert_int_equal(swale_loop_new(&loop, &w->home.loop), 0);
  assert_int_equal(swale__redis_resolve_numeric("127.0.0.1", "0", w->addresses), 1);
  w->addresses[0].to.v4.sin_port = htons((uint16_t)w->fake.port);
  w->place = (struct swale__redis_place){&w->settings->config.hosts[0], w->addresses, 1};
  w->io = (struct swale__redis_io){w->home.loop, {watch, &w->home}};
  swale__redis_link_init(&w->link, class, w, w->settings, &w->place);
  swale_loop_enter(w->home.loop);
  swale__redis_link_start(&w->link, &w->io);
  swale_loop_leave(w->home.loop);
}

void world_settle(struct world *w) {
  for (int quiet = 0; quiet < 3; quiet++) {
    struct pollfd fd = w->home.fds[0];
    bool did = fake_turn(&w->fake);
    if (w->home.n_fds > 0 && poll(&fd, 1, 1) > 0) {
      swale_loop_enter(w->home.loop);
      swale__redis_link_ready(&w->link, (fd.revents & ~POLLOUT ? SWALE_READABLE : 0U) |
                                            (fd.revents & ~POLLIN ? SWALE_WRITABLE : 0U));
      swale_loop_leave(w->home.loop);
      did = true;
    }
    if (did)
      quiet = 0;
  }
}

void world_pass(struct world *w, uint64_t ms) {
  w->u.now_ms += ms;
  swale_loop_run(w->home.loop);
  world_settle(w);
}

void world_close(struct world *w) {
  swale_loop_enter(w->home.loop);
  swale__redis_link_stop(&w->link);
  swale_loop_leave(w->home.loop);
  swale__redis_link_stop(&w->link); /* once is enough */
  assert_int_equal(w->home.n_fds, 0);
  assert_int_equal(swale_loop_free(w->home.loop), 0);
  swale__redis_settings_free(w->settings);
  fake_close(&w->fake);
  assert_int_equal(w->u.live, 0);
}

void world_done(struct swale__redis_link *link, const struct swale__redis_reply *reply, void *data) {
  struct world *w = world_of(link);
  assert_ptr_equal(data, w);
  if (reply) {
    w->replies++;
    w->last = reply->integer;
  } else {
    w->nothings++;
  }
}

int world_command(struct world *w, const char *word) {
  struct swale__redis_word words[] = {swale__redis_text(word)};
  return swale__redis_link_command(&w->link, 1, words, world_done, w);
}

void world_run_command(struct world *w, const char *word) {
  swale_loop_enter(w->home.loop);
  assert_int_equal(world_command(w, word), 0);
  swale__redis_link_flush(&w->link);
  swale_loop_leave(w->home.loop);
  world_settle(w);
}
