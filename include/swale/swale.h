/* SPDX-License-Identifier: MIT */
/*
 * swale: channel layers, groups and consumers, as in Django Channels, for C servers that already have a loop.
 *
 * Conventions, valid for every header of swale's
 *
 * Names       swale_noun_verb. Objects are opaque and made by _new or _open, ended by _free, or counted by _ref and _unref.
 * Errors      Functions return 0 (or a count) on success and a negative enum swale_error otherwise. An error means that nothing
 *             has changed. swale_strerror gives the words.
 * Ownership   A call that takes a message or payload takes a reference of its own; the caller keeps his. Strings and bytes that are
 *             passed in are copied unless a comment says otherwise. Pointers handed out are the library's, for as long as the comment says.
 * NULL        Never allowed for a pointer argument unless a comment says so.
 * Threads     Layers, messages and payloads: any thread. A loop, its consumers and its connections: the loop's thread. An app: one thread while it
 *             is set up, any thread afterwards.
 * Callbacks   Run inside swale_loop_run or a feed call, never under a lock, never inside one another. They return 0, take the object first and
 *             user data last, and may free or close anything: it takes effect when no callback is running.
 * Time        Milliseconds. Text is UTF-8. Sizes are bytes.
 * Config      Structs begin with their size and have a ..._default; set what you want to differ.
 */
#ifndef SWALE_SWALE_H
#define SWALE_SWALE_H

#include <swale/api.h>
#include <swale/app.h>
#include <swale/consumer.h>
#include <swale/env.h>
#include <swale/error.h>
#include <swale/layer.h>
#include <swale/loop.h>
#include <swale/message.h>
#include <swale/scope.h>

#endif
