/* SPDX-License-Identifier: MIT */
/* Takes note of everything that this process writes below a folder, LMDB included, and of what it syncs, and makes from it
 * what a loss of power at any moment may leave.
 *
 * The program that links record.c gets its open, write, pwrite, writev, fsync, fdatasync, ftruncate, fallocate, mkdir,
 * rename, renameat and unlink from there. Whatever is written by another way (a mapping, for example) is not seen.
 *
 * What a disk promises, and no more: octets of a file are there after fsync or fdatasync of it, or when written by a
 * descriptor with O_DSYNC; that a name is there, or gone, after fsync of its folder. Of what was not synced any part may
 * be there, each 512 octets whole; but of the changes of names in one folder none without those before it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/random.h"

/* Below this folder, which exists and is empty, until record_end. */
void record_begin(const char *folder);
void record_end(void);
void record_free(void);

/* A remark among the writes: what somebody was told by then. Any thread. */
void record_remark(uint64_t remark);

/* How many operations there are, remarks among them. */
size_t record_length(void);
/* The last remark among the first `count` operations; 0: none. */
uint64_t record_remark_before(size_t count);
/* What became of the folder's octets so far, for a person who asks what was covered. */
struct record_counts {
	unsigned writes;
	unsigned syncs;
	unsigned names;
};
struct record_counts record_counts(void);
/* One operation in words; the text lives until the next call. */
const char *record_describe(size_t index);

enum record_loss {
	RECORD_KILLED, /* the process ended: what it wrote is there */
	RECORD_BARE,   /* the power went: nothing is there but what was synced */
	RECORD_TORN,   /* the power went: of the rest there is what chance says */
};
/* Fills `folder`, which is made. `chance` is for RECORD_TORN. */
void record_replay(const char *folder, size_t count, enum record_loss loss, struct random_source *chance);
