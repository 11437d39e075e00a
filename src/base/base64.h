/* SPDX-License-Identifier: MIT */
/* Octets as text and back (RFC 4648 4), whole ones at once. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ensure.h"
#include "base/text.h"

/* Whole groups of four with padding; unused bits must be 0. False: it is not that, it is empty, or it says more than `max`
 * octets. */
MUST_USE bool base64_decode(const char *chars, size_t len, uint8_t *out, size_t max, size_t *out_len);

void base64_encode(const uint8_t *bytes, size_t len, struct text *out);
