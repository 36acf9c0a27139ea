/* SPDX-License-Identifier: MIT */
#ifndef SWALE_CORE_SCOPE_H
#define SWALE_CORE_SCOPE_H

#include <stdbool.h>
#include <stddef.h>

#include <swale/env.h>
#include <swale/scope.h>
#include <swale/transport.h>

/*
 * The scope of a request: everything in it is copied, into one block. `type` is not, it must be a constant;
 * `a` must outlive the scope. Errors: SWALE_EFORMAT (the target does not begin with "/", has a "#", a bad
 * escape or %00 in its path), SWALE_EUTF8 (the decoded path), SWALE_ESIZE (over 65,535 headers or
 * subprotocols), SWALE_EINVAL (the request's `size`), SWALE_ENOMEM. The first three are the peer's fault.
 */
int swale__scope_new(const struct swale_allocator *a, const char *type, const struct swale_request *request,
                     swale_scope **out);

/* The scope of a worker: type "channel", its path is the channel's name. SWALE_ENOMEM. */
int swale__scope_new_channel(const struct swale_allocator *a, const char *channel, swale_scope **out);

/* A parameter as the route's patterns found it: param.text is not ended by NUL but has `len` bytes. */
struct swale__capture {
  struct swale_param param;
  size_t len;
};

/*
 * Gives the scope its parameters, outer ones first; of two with one name the later wins. Texts are copied,
 * names are not: patterns live as long as their app. The scope moves. Once per scope. SWALE_ENOMEM.
 */
int swale__scope_set_params(swale_scope **scope, const struct swale__capture *captures, size_t n);

/*
 * After connect was decided: the scope without what `keep` (enum swale_keep) does not name, in one small
 * block, and the old one is gone. Path, parameters and guard values stay always; with the headers also
 * scheme, client and server; with the query also the raw path. Where there is no memory for the copy the old
 * scope is the answer.
 */
swale_scope *swale__scope_settle(swale_scope *scope, unsigned keep);

/* A walk over the headers; zeroed before the first. */
struct swale__headers {
  struct swale_header header;
  size_t n; /* seen so far */
};

/* The next one into walk->header, or false. */
bool swale__scope_next_header(const swale_scope *scope, struct swale__headers *walk);

/* Releases the guard values, the last one set first. `a` is the allocator it was made with. NULL is fine. */
void swale__scope_free(swale_scope *scope, const struct swale_allocator *a);

#endif
