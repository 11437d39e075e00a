/* SPDX-License-Identifier: MIT */
/* Two keyed hashes in a chain over 4 KiB blocks: 2^-128 for damage to go unnoticed, at memory speed. */
#include <string.h>

#include "base/hash.h"
#include "store/store_internal.h"

void store_digest_init(struct store_digest *digest)
{
	digest->words[0] = 0x74616e64656d2031u;
	digest->words[1] = 0x74616e64656d2032u;
	digest->buffered = 0;
}

static void digest_block(struct store_digest *digest, const uint8_t *bytes, size_t len)
{
	struct hash_key keys[2] = {{{digest->words[0], 1}}, {{digest->words[1], 2}}};
	hash_bytes_twice(keys, bytes, len, digest->words);
}

void store_digest_add(struct store_digest *digest, const void *bytes, size_t len)
{
	const size_t block = sizeof digest->buffer;
	const uint8_t *at = bytes;
	while (len > 0) {
		if (digest->buffered == 0 && len >= block) {
			digest_block(digest, at, block); /* whole blocks need not be copied */
			at += block;
			len -= block;
			continue;
		}
		size_t room = block - digest->buffered;
		size_t piece = len < room ? len : room;
		memcpy(digest->buffer + digest->buffered, at, piece);
		digest->buffered += piece;
		at += piece;
		len -= piece;
		if (digest->buffered == block) {
			digest_block(digest, digest->buffer, block);
			digest->buffered = 0;
		}
	}
}

void store_digest_end(struct store_digest *digest, uint8_t out[STORE_DIGEST_SIZE])
{
	digest_block(digest, digest->buffer, digest->buffered);
	for (size_t i = 0; i < 2; i++) {
		store_u32(out + 8 * i, (uint32_t)(digest->words[i] >> 32));
		store_u32(out + 8 * i + 4, (uint32_t)digest->words[i]);
	}
}
