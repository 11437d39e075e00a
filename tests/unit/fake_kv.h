/* SPDX-License-Identifier: MIT */
/* A key-value side in memory, whose disk does as a test says. */
#pragma once

#include "store/kv.h"

struct fake_kv;

struct fake_kv *fake_kv_new(void);
/* For store_new. What is in it outlives the store that closes it, until fake_kv_free. */
struct kv *fake_kv_side(struct fake_kv *fake);
void fake_kv_free(struct fake_kv *take);

/* The next `count` commits fail, as on a full disk. */
void fake_kv_fail_commits(struct fake_kv *fake, unsigned count);
/* Transactions that put this key fail; NULL: none. The key is borrowed. */
void fake_kv_fail_key(struct fake_kv *fake, const uint8_t *key, size_t len);
/* Commits that were durable so far. */
unsigned fake_kv_commits(const struct fake_kv *fake);
/* Keys that have a value. */
size_t fake_kv_count(const struct fake_kv *fake);
/* Flips a bit of the first value whose key begins with this letter; false: there is none. */
bool fake_kv_flip(struct fake_kv *fake, uint8_t letter, size_t bit);
