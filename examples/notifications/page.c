/* SPDX-License-Identifier: MIT */
#include "notifications.h"

/* page.html, as the Makefile wrote it down byte by byte. */
const unsigned char page[] = {
#include "page.inc"
};
const size_t page_len = sizeof page;
