/* SPDX-License-Identifier: MIT */
/*
 * A random walk through everything a layer can do, single-threaded and repeatable, beside a naive model of what it
 * promises.
 *
 * The model does not know in which order the members of a group are walked. So it follows: the handler tells it who got
 * what, and it checks that this was due. What should have come and has not is noticed when something later comes, or
 * when the call is over. Handlers do things to the layer, too, and a few of these would make it matter in
 * which order the walk goes; they are left out (see `may_touch`).
 */
#include "crowd.h"

enum {
  APPS = 2,
  SEATS = 9, /* the last one is for the worker */
  WORKER = SEATS - 1,
  PLAINS = 4,
  CHANNELS = SEATS + PLAINS,
  WORK = CHANNELS - 1, /* the plain channel that the worker listens to */
  GROUPS = 4,
  CAPACITY = 3,
  QUEUE = 8,
  EXPIRY_MS = 1000,
  GROUP_EXPIRY_MS = 6000,
  GRAVES = 4,
  INBOX = 4096,
};

enum stage { UNDECIDED, OPEN, CLOSING, LOST, GONE };

struct waiting {
  int64_t n;
  uint64_t expires;
};

/* A consumer's channel, or a plain one. */
struct channel {
  struct waiting queue[QUEUE];
  uint32_t depth, capacity;
  uint64_t dropped;
};

struct seat {
  struct crowd_member member;
  struct channel channel;
  enum stage stage;
  enum swale_overflow overflow;
  int app;
  uint64_t life;        /* tells those who sat here one after the other apart */
  bool paused, resumed; /* resumed: in this very call */
};

struct membership {
  uint64_t since; /* 0: no member */
  uint64_t expires;
};

/* One message in the inbox of a loop. What one group_send puts there is one entry, because it stands there in any order. */
struct entry {
  int64_t n;
  unsigned epoch;
  int group;           /* -1: sent to one */
  uint64_t due[SEATS]; /* 0: nothing; or the membership, or life, that it was sent to */
};

struct inbox {
  struct entry at[INBOX];
  int first, end, taken;
};

struct model {
  struct unit_env u;
  uint64_t random;
  swale_layer *layer;
  struct crowd crowds[APPS];
  int apps;
  uint32_t batch;
  bool flushes_inside; /* handlers flush: reasons of drops are then not foreseen */

  struct seat seats[SEATS];
  struct channel plains[PLAINS];
  struct membership members[GROUPS][CHANNELS];
  struct inbox inboxes[CROWD_LOOPS];
  bool has_port[CROWD_LOOPS];
  unsigned port_epoch[CROWD_LOOPS][APPS];
  unsigned epoch;
  uint64_t ids;
  int64_t last_n;
  char graves[GRAVES][SWALE_NAME_SIZE];
  int n_graves;
  struct swale_layer_stats books;

  int running, window; /* the loop that runs, and up to where it takes entries; or -1 */
  int handling;        /* the seat whose handler runs, or -1 */
  uint64_t told[SWALE_DROP_REASONS];
};

static const char *const plain_names[PLAINS] = {"p0", "p1", "one", "work"};
static const char *const group_names[GROUPS] = {"g0", "g1", "g2", "g3"};

static uint32_t below(struct model *m, uint32_t n) {
  m->random = m->random * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)((m->random >> 33) % n);
}

static bool chance(struct model *m, uint32_t percent) { return below(m, 100) < percent; }

/* ---- who is who ------------------------------------------------------------------------------- */

static bool is_alive(const struct seat *s) { return s->stage != GONE; }

static bool is_receptive(const struct seat *s) {
  return s->stage == OPEN && !s->paused && s->channel.depth == 0;
}

static bool has_worker(const struct model *m) { return is_alive(&m->seats[WORKER]); }

static const char *name_of(const struct model *m, int channel) {
  return channel < SEATS ? m->seats[channel].member.channel : plain_names[channel - SEATS];
}

static struct channel *channel_of(struct model *m, int channel) {
  return channel < SEATS ? &m->seats[channel].channel : &m->plains[channel - SEATS];
}

/* Channels by whose names one may send and join: not the worker's own, which has none. */
static int some_channel(struct model *m) {
  int channel = (int)below(m, CHANNELS - 1);
  return channel >= WORKER ? channel + 1 : channel;
}

static bool exists(const struct model *m, int channel) {
  if (channel < SEATS)
    return is_alive(&m->seats[channel]);
  if (m->plains[channel - SEATS].depth > 0 || (channel == WORK && has_worker(m)))
    return true;
  for (int g = 0; g < GROUPS; g++)
    if (m->members[g][channel].since)
      return true;
  return false;
}

/*
 * From inside a handler, one who cannot take messages now is left alone: whether the message that is on its
 * round reached his queue depends on the order of the walk.
 */
static bool may_touch(const struct model *m, int channel) {
  return m->handling < 0 || channel >= SEATS || is_receptive(&m->seats[channel]);
}

/* ---- the model's books ------------------------------------------------------------------------ */

static void drop(struct model *m, struct channel *ch, enum swale_drop_reason reason) {
  m->books.dropped[reason]++;
  if (ch)
    ch->dropped++;
}

static void drop_head(struct model *m, struct channel *ch, enum swale_drop_reason reason) {
  memmove(ch->queue, ch->queue + 1, --ch->depth * sizeof *ch->queue);
  m->books.queued--;
  drop(m, ch, reason);
}

static void drop_queue(struct model *m, struct channel *ch, enum swale_drop_reason reason) {
  while (ch->depth > 0)
    drop_head(m, ch, reason);
}

static void drop_expired(struct model *m, struct channel *ch) {
  while (ch->depth > 0 && ch->queue[0].expires <= m->u.now_ms)
    drop_head(m, ch, SWALE_DROP_EXPIRED);
}

static void push(struct model *m, struct channel *ch, int64_t n) {
  ch->queue[ch->depth++] = (struct waiting){n, m->u.now_ms + EXPIRY_MS};
  m->books.queued++;
}

static void leave_all(struct model *m, int channel) {
  for (int g = 0; g < GROUPS; g++)
    m->members[g][channel].since = 0;
}

/* What a loop does about the queues of one port before it hands out anything. */
static void follow(struct model *m, int loop, int app) {
  bool flushed = m->port_epoch[loop][app] != m->epoch;
  m->port_epoch[loop][app] = m->epoch;
  for (int i = 0; i < SEATS; i++) {
    struct seat *s = &m->seats[i];
    if (!is_alive(s) || s->member.loop != loop || s->app != app)
      continue;
    drop_expired(m, &s->channel);
    if (flushed)
      drop_queue(m, &s->channel, SWALE_DROP_FLUSHED);
  }
}

/* ---- the model's inboxes ---------------------------------------------------------------------- */

static struct entry *append(struct model *m, int loop, int64_t n, int group) {
  struct inbox *in = &m->inboxes[loop];
  if (in->first == in->end && m->running != loop)
    in->first = in->end = 0;
  assert_true(in->end < INBOX);
  struct entry *e = &in->at[in->end++];
  *e = (struct entry){.n = n, .epoch = m->epoch, .group = group};
  return e;
}

static void post(struct model *m, int seat, int64_t n) {
  struct seat *s = &m->seats[seat];
  append(m, s->member.loop, n, -1)->due[seat] = s->life;
  m->books.queued++;
}

static bool is_still_due(const struct model *m, const struct entry *e, int seat) {
  if (e->group < 0 || seat == WORKER)
    return m->seats[seat].life == e->due[seat];
  return m->members[e->group][seat].since == e->due[seat];
}

/* The message waits, or is dropped as the class says. */
static void hold_back(struct model *m, struct seat *s, int64_t n) {
  struct channel *ch = &s->channel;
  if (s->stage >= CLOSING) {
    drop(m, ch, SWALE_DROP_CLOSED);
    return;
  }
  if (ch->depth < CAPACITY) {
    push(m, ch, n);
    return;
  }
  if (s->overflow == SWALE_OVERFLOW_DROP_OLDEST) {
    drop_head(m, ch, SWALE_DROP_FULL);
    push(m, ch, n);
    return;
  }
  drop(m, ch, SWALE_DROP_FULL);
  if (s->overflow == SWALE_OVERFLOW_CLOSE && s->stage == OPEN)
    s->stage = CLOSING;
  else if (s->overflow == SWALE_OVERFLOW_CLOSE)
    s->stage = LOST; /* rejected */
}

/* Whoever has not been told of this entry by now was not to be told. */
static void finish_entry(struct model *m, struct entry *e) {
  for (int i = 0; i < SEATS; i++) {
    struct seat *s = &m->seats[i];
    if (!e->due[i])
      continue;
    m->books.queued--;
    if (e->epoch != m->epoch) {
      drop(m, e->group < 0 && is_still_due(m, e, i) ? &s->channel : NULL, SWALE_DROP_FLUSHED);
    } else if (!is_still_due(m, e, i)) {
      drop(m, NULL, SWALE_DROP_CLOSED);
    } else {
      assert_false(is_receptive(s) && !s->resumed); /* or the message has not been delivered */
      hold_back(m, s, e->n);
    }
    e->due[i] = 0;
  }
}

static void finish_entries(struct model *m, int loop, int end) {
  struct inbox *in = &m->inboxes[loop];
  for (; in->first < end; in->first++)
    finish_entry(m, &in->at[in->first]);
}

/* The first entry of the present run that is due to this seat, or -1. */
static int first_due(const struct model *m, int seat) {
  if (m->running < 0)
    return -1;
  const struct inbox *in = &m->inboxes[m->running];
  for (int i = in->first; i < m->window; i++)
    if (in->at[i].due[seat] && in->at[i].epoch == m->epoch && is_still_due(m, &in->at[i], seat))
      return i;
  return -1;
}

static void bury(struct model *m, int seat) {
  struct seat *s = &m->seats[seat];
  if (seat != WORKER)
    strcpy(m->graves[m->n_graves++ % GRAVES], s->member.channel);
  drop_queue(m, &s->channel, SWALE_DROP_CLOSED);
  leave_all(m, seat);
  s->stage = GONE;
  s->life = 0;
  m->books.consumers--;
}

/* ---- being told ------------------------------------------------------------------------------- */

static void act(struct model *m);

static void take_from_inbox(struct model *m, int seat, int e, int64_t n) {
  struct inbox *in = &m->inboxes[m->running];
  finish_entries(m, m->running, e);
  struct entry *entry = &in->at[e];
  assert_int_equal(entry->n, n);
  assert_int_equal(entry->epoch, m->epoch);
  assert_true(is_still_due(m, entry, seat));
  entry->due[seat] = 0;
}

/* Queues are emptied by jobs, after all entries; and other jobs may have ended consumers before. */
static void take_from_queue(struct model *m, struct seat *s, int64_t n) {
  if (m->running >= 0)
    finish_entries(m, m->running, m->window);
  for (int i = 0; i < SEATS; i++)
    if (m->seats[i].stage == LOST && m->seats[i].member.disconnects > 0)
      bury(m, i);
  if (m->port_epoch[s->member.loop][s->app] != m->epoch)
    follow(m, s->member.loop, s->app);
  struct channel *ch = &s->channel;
  assert_true(ch->depth > 0);
  assert_int_equal(ch->queue[0].n, n);
  assert_true(ch->queue[0].expires > m->u.now_ms);
  memmove(ch->queue, ch->queue + 1, --ch->depth * sizeof *ch->queue);
}

static void be_told(struct crowd_member *member, swale_message *message) {
  struct model *m = member->arg;
  struct seat *s = (struct seat *)member;
  int seat = (int)(s - m->seats);
  int64_t n = swale_message_get_int(message, "n", -1);
  member->n_got = 0;
  assert_int_equal(s->stage, OPEN);
  assert_false(s->paused);
  int e = first_due(m, seat);
  if (s->channel.depth == 0 && e >= 0 && m->inboxes[m->running].at[e].n == n)
    take_from_inbox(m, seat, e, n);
  else
    take_from_queue(m, s, n);
  m->books.delivered++;
  m->books.queued--;

  int outer = m->handling;
  m->handling = seat;
  if (chance(m, 35))
    act(m);
  m->handling = outer;
}

static void hear_of_drop(const struct swale_drop *d, void *user) {
  struct model *m = user;
  m->told[d->reason] += d->count;
}

/* ---- the end of a call that ran jobs ---------------------------------------------------------- */

static void jobs_are_done(struct model *m) {
  for (int i = 0; i < SEATS; i++) {
    struct seat *s = &m->seats[i];
    if (s->stage == LOST)
      bury(m, i);
    if (s->stage == OPEN && !s->paused && s->channel.depth > 0) {
      follow(m, s->member.loop, s->app);
      assert_int_equal(s->channel.depth, 0); /* or what waits has not been delivered */
    }
    s->resumed = false;
    assert_int_equal(s->member.consumer != NULL, is_alive(s));
  }
}

static bool is_outermost(const struct model *m) { return m->running < 0 && m->handling < 0; }

static swale_loop *loop_at(const struct model *m, int loop) { return m->crowds[0].at[loop].loop; }

static void enter(struct model *m, int loop) { swale_loop_enter(loop_at(m, loop)); }

static void leave(struct model *m, int loop) {
  swale_loop_leave(loop_at(m, loop));
  if (is_outermost(m))
    jobs_are_done(m);
}

/* Handlers touch only what lives on their own loop. */
static bool is_my_thread(const struct model *m, int loop) {
  return m->handling < 0 || m->seats[m->handling].member.loop == loop;
}

/* ---- what can be done: consumers -------------------------------------------------------------- */

static void sit_down(struct model *m, int seat, int app, enum stage stage, enum swale_overflow overflow) {
  struct seat *s = &m->seats[seat];
  s->member.act = be_told;
  s->member.arg = m;
  s->channel = (struct channel){.capacity = CAPACITY};
  s->stage = stage;
  s->overflow = overflow;
  s->app = app;
  s->life = ++m->ids;
  s->paused = s->resumed = false;
  m->has_port[s->member.loop] = true;
  m->books.consumers++;
}

static void open_consumer(struct model *m) {
  static const struct swale_consumer_class *const classes[] = {&crowd_newest, &crowd_oldest, &crowd_closes,
                                                               &crowd_undecided};
  int seat = (int)below(m, WORKER), loop = (int)below(m, CROWD_LOOPS), app = (int)below(m, (uint32_t)m->apps);
  int cls = (int)below(m, 4);
  struct seat *s = &m->seats[seat];
  if (is_alive(s) || !is_my_thread(m, loop))
    return;
  s->member.act = NULL;
  assert_int_equal(crowd_try_enter(&m->crowds[app], &s->member, loop, classes[cls]), 0);
  static const enum swale_overflow overflows[] = {SWALE_OVERFLOW_DROP_NEWEST, SWALE_OVERFLOW_DROP_OLDEST,
                                                  SWALE_OVERFLOW_CLOSE, SWALE_OVERFLOW_DROP_NEWEST};
  sit_down(m, seat, app, cls == 3 ? UNDECIDED : OPEN, overflows[cls]);
}

/* Somebody alive whom the present thread may touch, or NULL. */
static struct seat *somebody(struct model *m) {
  struct seat *s = &m->seats[m->handling >= 0 && chance(m, 50) ? (uint32_t)m->handling : below(m, SEATS)];
  return is_alive(s) && is_my_thread(m, s->member.loop) ? s : NULL;
}

static void lose(struct model *m) {
  struct seat *s = somebody(m);
  if (!s || !may_touch(m, (int)(s - m->seats)))
    return;
  if (s->stage < LOST)
    s->stage = LOST;
  enter(m, s->member.loop);
  swale_consumer_lost(s->member.consumer, 1006);
  leave(m, s->member.loop);
}

static void close_politely(struct model *m) {
  struct seat *s = somebody(m);
  if (!s || s->stage > OPEN || !may_touch(m, (int)(s - m->seats)))
    return;
  s->stage = s->stage == UNDECIDED || s == &m->seats[WORKER] ? LOST : CLOSING;
  enter(m, s->member.loop);
  assert_int_equal(swale_close(s->member.consumer, 4000, NULL), 0);
  leave(m, s->member.loop);
}

static void lose_closing(struct model *m) {
  struct seat *s = somebody(m);
  if (!s || s->stage != CLOSING || m->handling >= 0)
    return;
  s->stage = LOST;
  enter(m, s->member.loop);
  swale_consumer_lost(s->member.consumer, 1000);
  leave(m, s->member.loop);
}

static void pause(struct model *m) {
  struct seat *s = somebody(m);
  if (!s || s == &m->seats[WORKER])
    return;
  s->paused = true;
  enter(m, s->member.loop);
  swale_consumer_pause(s->member.consumer);
  leave(m, s->member.loop);
}

static void resume(struct model *m) {
  struct seat *s = somebody(m);
  if (!s || s == &m->seats[WORKER])
    return;
  s->resumed |= s->paused;
  s->paused = false;
  enter(m, s->member.loop);
  if (s->stage == OPEN && s->channel.depth > 0 && is_outermost(m))
    follow(m, s->member.loop, s->app);
  swale_consumer_resume(s->member.consumer);
  leave(m, s->member.loop);
}

static void decide(struct model *m) {
  struct seat *s = somebody(m);
  if (!s || s->stage != UNDECIDED)
    return;
  s->stage = OPEN;
  s->resumed = true;
  enter(m, s->member.loop);
  if (!s->paused && s->channel.depth > 0 && is_outermost(m))
    follow(m, s->member.loop, s->app);
  assert_int_equal(swale_accept(s->member.consumer, NULL), 0);
  leave(m, s->member.loop);
}

static void start_worker(struct model *m) {
  struct seat *s = &m->seats[WORKER];
  struct channel *work = channel_of(m, WORK);
  int loop = (int)below(m, CROWD_LOOPS);
  if (has_worker(m) || m->handling >= 0 || m->apps == 1)
    return;
  s->member = (struct crowd_member){.crowd = &m->crowds[0], .loop = loop};
  m->crowds[0].seat = &s->member;
  assert_int_equal(swale_app_serve(m->crowds[0].app, loop_at(m, loop)), 0);
  sit_down(m, WORKER, 0, OPEN, SWALE_OVERFLOW_DROP_NEWEST);
  enter(m, loop);
  leave(m, loop);
  for (uint32_t i = 0; i < work->depth; i++)
    post(m, WORKER, work->queue[i].n);
  m->books.queued -= work->depth;
  work->depth = 0;
}

/* ---- what can be done: messages --------------------------------------------------------------- */

/* In a plain channel without a worker. */
static int foreseen_for_plain(struct model *m, struct channel *ch, int64_t n) {
  if (ch->depth >= ch->capacity)
    return SWALE_EFULL;
  push(m, ch, n);
  return 0;
}

static void send(struct model *m) {
  int channel = some_channel(m), foreseen = 0;
  int64_t n = ++m->last_n;
  if (channel < SEATS && !is_alive(&m->seats[channel])) {
    if (m->n_graves == 0)
      return;
    const char *grave = m->graves[below(m, (uint32_t)(m->n_graves < GRAVES ? m->n_graves : GRAVES))];
    assert_int_equal(crowd_send(m->layer, grave, n), SWALE_ECLOSED);
    m->books.refused++;
    return;
  }
  if (channel < SEATS)
    post(m, channel, n);
  else if (channel == WORK && has_worker(m))
    post(m, WORKER, n);
  else
    foreseen = foreseen_for_plain(m, channel_of(m, channel), n);
  m->books.offered += foreseen == 0;
  m->books.sends += foreseen == 0;
  m->books.refused += foreseen != 0;
  assert_int_equal(crowd_send(m->layer, name_of(m, channel), n), foreseen);
}

/* The life or membership a group message for this seat depends on; 0: it is not for him. */
static uint64_t due_in_group(const struct model *m, int g, int seat) {
  if (seat != WORKER)
    return m->members[g][seat].since;
  return m->members[g][WORK].since ? m->seats[WORKER].life : 0;
}

static int post_to_members(struct model *m, int g, int loop, int64_t n) {
  struct entry *e = NULL;
  int members = 0;
  for (int i = 0; i < SEATS; i++) {
    uint64_t due = due_in_group(m, g, i);
    if (!due || m->seats[i].member.loop != loop)
      continue;
    if (!e)
      e = append(m, loop, n, g);
    e->due[i] = due;
    members++;
  }
  m->books.queued += (uint64_t)members;
  return members;
}

static void group_send(struct model *m) {
  int g = (int)below(m, GROUPS), members = 0;
  int64_t n = ++m->last_n;
  for (int loop = 0; loop < CROWD_LOOPS; loop++)
    members += post_to_members(m, g, loop, n);
  for (int channel = SEATS; channel < CHANNELS; channel++) {
    if (!m->members[g][channel].since || (channel == WORK && has_worker(m)))
      continue;
    members++;
    if (foreseen_for_plain(m, channel_of(m, channel), n) < 0)
      drop(m, channel_of(m, channel), SWALE_DROP_FULL);
  }
  m->books.offered += (uint64_t)members;
  m->books.group_sends++;
  assert_int_equal(crowd_group_send(m->layer, group_names[g], n), members);
}

static void receive(struct model *m) {
  int channel = some_channel(m);
  struct channel *ch = channel_of(m, channel);
  int64_t foreseen = SWALE_EAGAIN;
  if (channel < SEATS ? is_alive(&m->seats[channel]) : channel == WORK && has_worker(m)) {
    foreseen = SWALE_ESTATE;
  } else if (channel < SEATS) {
    return;
  } else if (ch->depth > 0) {
    foreseen = ch->queue[0].n;
    memmove(ch->queue, ch->queue + 1, --ch->depth * sizeof *ch->queue);
    m->books.queued--;
    m->books.delivered++;
  }
  assert_int_equal(crowd_receive(m->layer, name_of(m, channel)), foreseen);
}

/* ---- what can be done: groups ----------------------------------------------------------------- */

static void join(struct model *m) {
  int channel = some_channel(m), g = (int)below(m, GROUPS);
  if (channel < SEATS && !is_alive(&m->seats[channel]))
    return;
  struct membership *membership = &m->members[g][channel];
  if (!membership->since)
    membership->since = ++m->ids;
  membership->expires = m->u.now_ms + GROUP_EXPIRY_MS;
  assert_int_equal(swale_group_add(m->layer, group_names[g], name_of(m, channel)), 0);
}

static void part(struct model *m) {
  int channel = some_channel(m), g = (int)below(m, GROUPS);
  if (!may_touch(m, channel) || (channel < SEATS && !is_alive(&m->seats[channel])))
    return;
  m->members[g][channel].since = 0;
  assert_int_equal(swale_group_discard(m->layer, group_names[g], name_of(m, channel)), 0);
}

static void close_channel(struct model *m) {
  int channel = SEATS + (int)below(m, PLAINS);
  if (channel == WORK && has_worker(m)) {
    assert_int_equal(swale_channel_close(m->layer, plain_names[channel - SEATS]), SWALE_ESTATE);
    return;
  }
  drop_queue(m, channel_of(m, channel), SWALE_DROP_CLOSED);
  leave_all(m, channel);
  assert_int_equal(swale_channel_close(m->layer, plain_names[channel - SEATS]), 0);
}

static void flush(struct model *m) {
  if (m->handling >= 0 && !m->flushes_inside)
    return;
  m->epoch++;
  memset(m->members, 0, sizeof m->members);
  for (int i = 0; i < PLAINS; i++)
    drop_queue(m, &m->plains[i], SWALE_DROP_FLUSHED);
  assert_int_equal(swale_flush(m->layer), 0);
}

/* ---- what can be done: loops and time --------------------------------------------------------- */

static void run(struct model *m, int loop) {
  struct inbox *in = &m->inboxes[loop];
  for (int app = 0; app < m->apps; app++)
    follow(m, loop, app);
  if (in->taken == 0)
    in->taken = in->end - in->first;
  int batch = in->taken < (int)m->batch ? in->taken : (int)m->batch;
  in->taken -= batch;
  m->running = loop;
  m->window = in->first + batch;
  crowd_run_loop(&m->crowds[0], loop);
  finish_entries(m, loop, m->window);
  m->running = -1;
  jobs_are_done(m);
}

static void end_loop(struct model *m, int loop) {
  struct inbox *in = &m->inboxes[loop];
  for (int i = 0; i < SEATS; i++)
    if (is_alive(&m->seats[i]) && m->seats[i].member.loop == loop)
      bury(m, i);
  finish_entries(m, loop, in->end);
  in->taken = 0;
  m->has_port[loop] = false;
  crowd_end_loop(&m->crowds[0], loop);
}

static void renew_loop(struct model *m, int loop) {
  end_loop(m, loop);
  assert_int_equal(crowd_try_renew_loop(&m->crowds[0], loop), 0);
  m->crowds[1].at[loop].loop = loop_at(m, loop);
}

static void pass_time(struct model *m) {
  m->u.now_ms += chance(m, 5) ? below(m, 2 * GROUP_EXPIRY_MS) : below(m, EXPIRY_MS / 3);
  for (int channel = SEATS; channel < CHANNELS; channel++) {
    drop_expired(m, channel_of(m, channel));
    for (int g = 0; g < GROUPS; g++) {
      struct membership *membership = &m->members[g][channel];
      if (!membership->since || membership->expires > m->u.now_ms)
        continue;
      if (channel == WORK && has_worker(m))
        membership->expires = m->u.now_ms + GROUP_EXPIRY_MS;
      else
        membership->since = 0;
    }
  }
}

/* ---- choosing --------------------------------------------------------------------------------- */

struct choice {
  void (*act)(struct model *m);
  uint32_t weight;
};

static void choose(struct model *m, const struct choice *choices) {
  uint32_t all = 0;
  for (const struct choice *c = choices; c->act; c++)
    all += c->weight;
  uint32_t pick = below(m, all);
  const struct choice *c = choices;
  for (; pick >= c->weight; c++)
    pick -= c->weight;
  c->act(m);
}

static void act(struct model *m) {
  static const struct choice inside[] = {
      {send, 20},          {group_send, 6}, {join, 30},          {part, 20},  {receive, 5},
      {open_consumer, 10}, {lose, 4},       {close_politely, 2}, {decide, 4}, {close_channel, 1},
      {pause, 6},          {resume, 10},    {flush, 1},          {NULL, 0},
  };
  choose(m, inside);
}

static void run_some_loop(struct model *m) { run(m, (int)below(m, CROWD_LOOPS)); }
static void renew_some_loop(struct model *m) { renew_loop(m, (int)below(m, CROWD_LOOPS)); }

static void step(struct model *m) {
  static const struct choice outside[] = {
      {send, 150},        {group_send, 100},    {run_some_loop, 250}, {join, 100},         {part, 20},
      {receive, 150},     {open_consumer, 100}, {lose, 10},           {close_politely, 4}, {decide, 40},
      {lose_closing, 60}, {close_channel, 3},   {pause, 20},          {resume, 80},        {flush, 1},
      {pass_time, 30},    {start_worker, 10},   {renew_some_loop, 1}, {NULL, 0},
  };
  choose(m, outside);
}

/* ---- comparing -------------------------------------------------------------------------------- */

static void compare_drops(const struct model *m, const struct swale_layer_stats *s) {
  const struct swale_layer_stats *b = &m->books;
  assert_int_equal(s->delivered, b->delivered);
  assert_int_equal(s->dropped[SWALE_DROP_NOMEM], 0);
  if (m->flushes_inside)
    return;
  assert_int_equal(s->queued, b->queued);
  for (int i = 0; i < SWALE_DROP_REASONS; i++)
    assert_int_equal(s->dropped[i], b->dropped[i]);
}

static void compare_figures(struct model *m) {
  struct swale_layer_stats s = crowd_stats(m->layer);
  uint64_t channels = 0, groups = 0, memberships = 0, loops = 0;
  for (int g = 0; g < GROUPS; g++) {
    uint64_t members = 0;
    for (int i = 0; i < CHANNELS; i++)
      members += m->members[g][i].since > 0;
    assert_int_equal(swale_group_count(m->layer, group_names[g]), members);
    memberships += members;
    groups += members > 0;
  }
  for (int i = SEATS; i < CHANNELS; i++)
    channels += exists(m, i);
  for (int i = 0; i < CROWD_LOOPS; i++)
    loops += m->has_port[i];
  assert_int_equal(s.offered, m->books.offered);
  assert_int_equal(s.sends, m->books.sends);
  assert_int_equal(s.group_sends, m->books.group_sends);
  assert_int_equal(s.refused, m->books.refused);
  assert_int_equal(s.consumers, m->books.consumers);
  assert_int_equal(s.channels, channels);
  assert_int_equal(s.groups, groups);
  assert_int_equal(s.memberships, memberships);
  assert_int_equal(s.loops, loops);
  compare_drops(m, &s);
}

static void compare_channel(struct model *m) {
  int channel = some_channel(m);
  if (channel < SEATS && !is_alive(&m->seats[channel]))
    return;
  const struct channel *ch = channel_of(m, channel);
  struct swale_channel_stats s;
  int rv = swale_channel_stats_get(m->layer, name_of(m, channel), &s);
  assert_int_equal(rv, exists(m, channel) ? 0 : SWALE_ENOTFOUND);
  if (rv < 0 || m->flushes_inside)
    return;
  assert_int_equal(s.depth, ch->depth);
  assert_int_equal(s.capacity, ch->capacity);
  if (channel < SEATS)
    assert_int_equal(s.dropped, ch->dropped);
  uint32_t groups = 0, met = 0;
  for (int g = 0; g < GROUPS; g++)
    groups += m->members[g][channel].since > 0;
  assert_int_equal(s.groups, groups);
  struct swale_cursor cursor = {0};
  char name[SWALE_NAME_SIZE];
  for (; swale_channel_next_group(m->layer, name_of(m, channel), &cursor, name) == 1; met++)
    assert_true(m->members[name[1] - '0'][channel].since > 0);
  assert_int_equal(met, groups);
}

static void compare_members(struct model *m) {
  int g = (int)below(m, GROUPS), expected = 0, all = 0;
  for (int i = 0; i < CHANNELS; i++)
    if (m->members[g][i].since) {
      expected++;
      assert_int_equal(crowd_group_lists(m->layer, group_names[g], name_of(m, i), &all), 1);
    }
  assert_int_equal(all, expected);
}

/* The host has been woken for whatever waits, and no more than once. */
static void compare_wakes(const struct model *m) {
  for (int i = 0; i < CROWD_LOOPS; i++) {
    const struct inbox *in = &m->inboxes[i];
    assert_true(m->crowds[0].at[i].wakes <= 1);
    if (in->first == in->end)
      continue;
    assert_int_equal(m->crowds[0].at[i].wakes, 1);
    assert_int_equal(swale_loop_timeout_ms(loop_at(m, i)), 0);
  }
}

static void compare(struct model *m) {
  compare_figures(m);
  compare_channel(m);
  compare_members(m);
  compare_wakes(m);
}

/* ---- the walk --------------------------------------------------------------------------------- */

static void open_layer(struct model *m) {
  static const struct swale_capacity capacities[] = {{"one", 1}, {"p1", 6}};
  struct swale_layer_config config;
  swale_layer_config_default(&config);
  config.env = &m->u.env;
  config.capacity = CAPACITY;
  config.expiry_ms = EXPIRY_MS;
  config.group_expiry_ms = GROUP_EXPIRY_MS;
  config.capacities = capacities;
  config.n_capacities = 2;
  config.on_drop = hear_of_drop;
  config.user = m;
  assert_int_equal(swale_layer_open("memory://", &config, &m->layer, NULL, 0), 0);
}

static void open_model(struct model *m, uint64_t seed) {
  memset(m, 0, sizeof *m);
  unit_env_init(&m->u);
  m->random = seed * 0x9e3779b97f4a7c15u + 1;
  m->running = m->handling = -1;
  m->apps = seed % 2 ? 2 : 1;
  m->batch =
      m->apps == 2 ? 1024 : 1 + below(m, 4); /* a group_send is several entries with two apps, or a worker */
  m->flushes_inside = seed % 5 == 0;
  for (int i = 0; i < SEATS; i++)
    m->seats[i].stage = GONE;
  static const uint32_t capacity[PLAINS] = {CAPACITY, 6, 1, CAPACITY};
  for (int i = 0; i < PLAINS; i++)
    m->plains[i].capacity = capacity[i];
  open_layer(m);
  assert_int_equal(crowd_try_open(&m->crowds[0], m->layer, &m->u.env, 0, m->batch), 0);
  assert_int_equal(swale_app_channel(m->crowds[0].app, "work", &crowd_worker), 0);
  crowd_open_beside(&m->crowds[1], &m->crowds[0]);
}

static void close_model(struct model *m) {
  for (int loop = 0; loop < CROWD_LOOPS; loop++)
    run(m, loop);
  for (int i = 0; i < SWALE_DROP_REASONS; i++)
    assert_int_equal(m->told[i], crowd_dropped(m->layer, (enum swale_drop_reason)i));
  for (int loop = 0; loop < CROWD_LOOPS; loop++)
    end_loop(m, loop);
  compare_figures(m);
  crowd_close_beside(&m->crowds[1]);
  crowd_close(&m->crowds[0]);
  assert_int_equal(swale_layer_free(m->layer), 0);
  assert_int_equal(m->u.live, 0);
}

static void the_layer_does_what_the_model_foresees(void **state) {
  (void)state;
  enum { SEEDS = 60, STEPS = 2500 };
  static struct model m;
  uint64_t only = getenv("SEED") ? strtoull(getenv("SEED"), NULL, 10) : 0;
  for (uint64_t seed = only ? only : 1; seed <= (only ? only : SEEDS); seed++) {
    if (only == 0)
      print_message("seed %llu\n", (unsigned long long)seed);
    open_model(&m, seed);
    for (int i = 0; i < STEPS; i++) {
      step(&m);
      compare(&m);
    }
    close_model(&m);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_layer_does_what_the_model_foresees),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
