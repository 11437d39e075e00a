/* SPDX-License-Identifier: MIT */
#include "tld.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "base/random.h"

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

void tld_init(struct tld *tld, size_t count, bool sorted)
{
	struct random_seeded seeded;
	random_seeded_init(&seeded, 1);
	*tld = (struct tld){.count = count, .sorted = sorted, .names = memory_new_array(count, sizeof *tld->names)};
	for (size_t i = 0; i < count; i++) {
		uint64_t draw = seeded.source.next(&seeded.source) & 0xffffffffff;
		snprintf(tld->names[i], sizeof tld->names[i], "%010llx%zx", (unsigned long long)draw, i & 0xffffff);
	}
	if (sorted) {
		qsort(tld->names, count, sizeof *tld->names, compare_names);
	}
}

void tld_deinit(struct tld *tld)
{
	free(tld->names);
}

static size_t put_label(uint8_t *out, const char *label)
{
	size_t len = strlen(label);
	out[0] = (uint8_t)len;
	memcpy(out + 1, label, len);
	return 1 + len;
}

size_t tld_name(const char *prefix, const char *name, uint8_t *out)
{
	size_t len = prefix == NULL ? 0 : put_label(out, prefix);
	len += put_label(out + len, name);
	memcpy(out + len, TLD_APEX, sizeof TLD_APEX);
	return len + sizeof TLD_APEX;
}

/* nsN.providerP.example. */
static size_t provider_name(unsigned server, unsigned provider, uint8_t *out)
{
	char text[24];
	snprintf(text, sizeof text, "ns%u", server);
	size_t len = put_label(out, text);
	snprintf(text, sizeof text, "provider%u", provider);
	len += put_label(out + len, text);
	len += put_label(out + len, "example");
	out[len] = 0;
	return len + 1;
}

void tld_records(const struct tld *tld, void *context,
                 void (*add)(void *context, const uint8_t *owner, uint16_t type, uint32_t ttl, const uint8_t *rdata,
                             size_t len))
{
	struct random_seeded seeded;
	random_seeded_init(&seeded, 2);
	uint8_t owner[64];
	uint8_t rdata[64] = {2, 'n', 's', 5, 'b', 'e', 'n', 'c', 'h', 0, 1, 'h', 0};
	memcpy(owner, TLD_APEX, sizeof TLD_APEX);
	uint8_t soa[64];
	memcpy(soa, rdata, 13);
	memset(soa + 13, 0, 20);
	add(context, owner, 6, 86400, soa, 33);
	add(context, owner, 2, 86400, rdata, 10);
	for (size_t i = 0; i < tld->count; i++) {
		const char *name = tld->names[i];
		unsigned provider = (unsigned)random_below(&seeded.source, 5000);
		tld_name(NULL, name, owner);
		add(context, owner, 2, 86400, rdata, provider_name(1, provider, rdata));
		bool own = i % 4 == 0;
		if (own) {
			size_t len = put_label(rdata, "ns");
			add(context, owner, 2, 86400, rdata, len + tld_name(NULL, name, rdata + len));
		} else {
			add(context, owner, 2, 86400, rdata, provider_name(2, provider, rdata));
		}
		if (i % 3 == 0) {
			store_u16(rdata, (uint16_t)i);
			rdata[2] = 13;
			rdata[3] = 2;
			for (size_t j = 4; j < 36; j += 8) {
				uint64_t draw = seeded.source.next(&seeded.source);
				memcpy(rdata + j, &draw, 8);
			}
			add(context, owner, 43, 86400, rdata, 36);
		}
		if (own) {
			uint8_t address[4] = {192, 0, 2, (uint8_t)i};
			tld_name("ns", name, owner);
			add(context, owner, 1, 86400, address, 4);
		}
	}
}
