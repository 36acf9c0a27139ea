/* SPDX-License-Identifier: MIT */
#include <swale/api.h>

const char *swale_version(void) { return SWALE_VERSION; }
