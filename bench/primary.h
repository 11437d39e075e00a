/* SPDX-License-Identifier: MIT */
/* A primary that costs next to nothing and whose zones change when it is told to: the other side of secondaries that are
 * measured. It answers SOA, AXFR and IXFR over UDP and TCP, whichever zone is asked for: all of them have the same content and
 * the same serial.
 *
 * Version `base` has a few records, or a saved transfer. An odd number of steps from there it has `records` more, at owners
 * that lie anywhere in the zone; so each step adds so many or removes them. Loopback only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"

struct primary;

/* `saved_path`: the stream of a transfer as `traffic fetch` saves it; NULL: a few records, version 1. */
struct primary *primary_new(const struct address *address, const char *saved_path);
/* A descriptor that is ready to read when primary_serve() has something to do. */
int primary_descriptor(const struct primary *primary);
void primary_serve(struct primary *primary);

uint32_t primary_serial(const struct primary *primary);
/* The wire form of the apex of a saved transfer. */
const uint8_t *primary_apex(const struct primary *primary);
/* So many versions more, each of which differs by so many records from the one before. */
void primary_advance(struct primary *primary, size_t steps, size_t records);

/* Tells a secondary of the newest version (RFC 1996). The answer comes to the primary's own socket. */
void primary_notify(struct primary *primary, const struct address *secondary, const uint8_t *apex, uint16_t id);
/* Called with the id of each answer to a NOTIFY. */
void primary_on_answer(struct primary *primary, void (*answered)(void *context, uint16_t id), void *context);
