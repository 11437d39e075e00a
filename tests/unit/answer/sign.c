/* SPDX-License-Identifier: MIT */
/* Zones as plain lists of records, and a signer whose chains are right while its signatures are made of nothing. */
#include "serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "crypto/crypto.h"
#include "zonefile/zonefile.h"

void records_add(struct records *records, const uint8_t *owner, uint16_t type, uint32_t ttl, const uint8_t *rdata,
                 size_t rdata_len)
{
	memory_reserve((void **)&records->items, &records->capacity, records->count + 1, sizeof *records->items);
	records->items[records->count++] = (struct record){
	        .owner = dns_name_of(owner),
	        .type = type,
	        .ttl = ttl,
	        .rdata_len = (uint32_t)rdata_len,
	        .rdata = memory_copy(rdata, rdata_len > 0 ? rdata_len : 1),
	};
}

void records_free(struct records *records)
{
	for (size_t i = 0; i < records->count; i++) {
		free(records->items[i].rdata);
	}
	free(records->items);
	*records = (struct records){0};
}

struct reading {
	struct zonefile_record_sink sink;
	struct records *records;
};

static bool take_record(struct zonefile_record_sink *self, const struct zonefile_record *record, struct error *error)
{
	struct reading *reading = (struct reading *)self;
	(void)error;
	records_add(reading->records, record->owner, record->type, record->ttl, record->rdata, record->rdata_len);
	return true;
}

void records_read(struct records *records, const char *apex, const char *zone_text)
{
	static const char head[] = "$TTL 3600\n@ SOA ns1 hostmaster 1 3600 600 86400 300\n@ NS ns1\nns1 A 192.0.2.53\n";
	size_t size = sizeof head + strlen(zone_text) + 16;
	char *chars = memory_new(size);
	snprintf(chars, size, "%s%s", strstr(zone_text, "SOA") == NULL ? head : "$TTL 3600\n", zone_text);
	struct dns_name name = name_of(apex);
	struct zonefile_text text = {.name = "zone", .chars = chars, .len = strlen(chars)};
	struct zonefile_options options = {.apex = name.wire};
	struct reading reading = {.sink = {.take = take_record}, .records = records};
	struct zonefile_result result;
	struct error error;
	if (!zonefile_read_text(&text, &options, NULL, &reading.sink, NULL, &result, &error)) {
		fail_msg("%s", error.text);
	}
	free(chars);
}

/* ---- signing ---- */

/* A name of the zone: in canonical order, with what the chain must know of it. */
struct node {
	struct dns_name name;
	bool has_data; /* else an empty non-terminal */
	bool cut;
	bool occluded;
	bool secure;   /* a cut with DS */
	bool in_chain; /* opt-out leaves some out */
};

struct nodes {
	struct node *items;
	size_t count;
	size_t capacity;
};

static int compare_nodes(const void *a, const void *b)
{
	return dns_name_compare(((const struct node *)a)->name.wire, ((const struct node *)b)->name.wire);
}

static void add_node(struct nodes *nodes, const uint8_t *name, bool has_data)
{
	memory_reserve((void **)&nodes->items, &nodes->capacity, nodes->count + 1, sizeof *nodes->items);
	nodes->items[nodes->count++] = (struct node){.name = dns_name_of(name), .has_data = has_data};
}

/* Names and empty non-terminals, each once, in canonical order. */
static void collect_nodes(const struct records *records, const uint8_t *apex, struct nodes *nodes)
{
	for (size_t i = 0; i < records->count; i++) {
		const uint8_t *owner = records->items[i].owner.wire;
		add_node(nodes, owner, true);
		while (!dns_name_equal(owner, apex)) {
			owner = dns_name_strip(owner, 1);
			add_node(nodes, owner, false);
		}
	}
	qsort(nodes->items, nodes->count, sizeof *nodes->items, compare_nodes);
	size_t kept = 0;
	for (size_t i = 0; i < nodes->count; i++) {
		if (kept > 0 && dns_name_equal(nodes->items[kept - 1].name.wire, nodes->items[i].name.wire)) {
			nodes->items[kept - 1].has_data = nodes->items[kept - 1].has_data || nodes->items[i].has_data;
		} else {
			nodes->items[kept++] = nodes->items[i];
		}
	}
	nodes->count = kept;
}

static bool has_type(const struct records *records, const uint8_t *owner, uint16_t type)
{
	for (size_t i = 0; i < records->count; i++) {
		if (records->items[i].type == type && dns_name_equal(records->items[i].owner.wire, owner)) {
			return true;
		}
	}
	return false;
}

static void classify_nodes(const struct records *records, const uint8_t *apex, struct nodes *nodes, bool opt_out)
{
	for (size_t i = 0; i < nodes->count; i++) {
		struct node *node = &nodes->items[i];
		node->cut = !dns_name_equal(node->name.wire, apex) && has_type(records, node->name.wire, DNS_TYPE_NS);
		node->secure = has_type(records, node->name.wire, DNS_TYPE_DS);
	}
	for (size_t i = 0; i < nodes->count; i++) {
		struct node *node = &nodes->items[i];
		for (size_t k = 0; k < i; k++) {
			const struct node *above = &nodes->items[k];
			bool stops = above->cut || has_type(records, above->name.wire, DNS_TYPE_DNAME);
			node->occluded =
			        node->occluded || (stops && dns_name_is_within(node->name.wire, above->name.wire));
		}
	}
	for (size_t i = 0; i < nodes->count; i++) {
		struct node *node = &nodes->items[i];
		bool left_out = opt_out && node->cut && !node->secure;
		node->in_chain = !node->occluded && node->has_data && !left_out;
	}
	/* An empty non-terminal is in the chain when something below it is. */
	for (size_t i = 0; i < nodes->count; i++) {
		struct node *node = &nodes->items[i];
		for (size_t k = i + 1; !node->has_data && k < nodes->count; k++) {
			const struct node *below = &nodes->items[k];
			node->in_chain = node->in_chain || (below->in_chain && below->has_data &&
			                                    dns_name_is_within(below->name.wire, node->name.wire));
		}
	}
}

static void add_signature(struct records *records, const uint8_t *owner, uint16_t covered, uint32_t ttl,
                          const uint8_t *apex)
{
	uint8_t rdata[512];
	struct writer out = writer_of(rdata, sizeof rdata);
	write_u16(&out, covered);
	write_u8(&out, 13);
	write_u8(&out, (uint8_t)(dns_name_labels(owner) - (dns_name_is_wildcard(owner) ? 1 : 0)));
	write_u32(&out, ttl);
	write_u32(&out, 1800000000);
	write_u32(&out, 1700000000);
	write_u16(&out, 4711);
	write_bytes(&out, apex, dns_name_len(apex));
	for (unsigned i = 0; i < 64; i++) {
		write_u8(&out, (uint8_t)i);
	}
	records_add(records, owner, DNS_TYPE_RRSIG, ttl, rdata, writer_len(&out));
}

static const struct node *node_of(const struct nodes *nodes, const uint8_t *name)
{
	struct node key = {.name = dns_name_of(name)};
	return bsearch(&key, nodes->items, nodes->count, sizeof *nodes->items, compare_nodes);
}

/* RFC 4035 2.2: no signature over what is not authoritative, and none over the NS set of a cut. */
static void sign_all(struct records *records, const uint8_t *apex, const struct nodes *nodes)
{
	size_t count = records->count;
	for (size_t i = 0; i < count; i++) {
		struct dns_name owner = records->items[i].owner;
		uint16_t type = records->items[i].type;
		uint32_t ttl = records->items[i].ttl;
		bool first = true;
		for (size_t k = 0; k < i; k++) {
			first = first && !(records->items[k].type == type &&
			                   dns_name_equal(records->items[k].owner.wire, owner.wire));
		}
		const struct node *node = node_of(nodes, owner.wire);
		bool authoritative = node == NULL ||
		                     (!node->occluded && (!node->cut || type == DNS_TYPE_DS || type == DNS_TYPE_NSEC));
		if (first && authoritative) {
			add_signature(records, owner.wire, type, ttl, apex);
		}
	}
}

/* RFC 4034 4.1.2 */
static void write_bitmap(const struct records *records, const struct node *node, bool nsec, struct writer *out)
{
	uint8_t bits[65536 / 8] = {0};
	bool authoritative = false;
	for (size_t i = 0; i < records->count; i++) {
		uint16_t type = records->items[i].type;
		if (!dns_name_equal(records->items[i].owner.wire, node->name.wire) || type == DNS_TYPE_RRSIG) {
			continue;
		}
		if (!node->cut || type == DNS_TYPE_NS || type == DNS_TYPE_DS) {
			bits[type / 8] |= (uint8_t)(0x80u >> type % 8);
			authoritative = authoritative || !node->cut || type == DNS_TYPE_DS;
		}
	}
	if (nsec) {
		bits[DNS_TYPE_NSEC / 8] |= 0x80u >> DNS_TYPE_NSEC % 8;
	}
	if (nsec || authoritative) {
		bits[DNS_TYPE_RRSIG / 8] |= 0x80u >> DNS_TYPE_RRSIG % 8;
	}
	for (unsigned window = 0; window < 256; window++) {
		unsigned used = 32;
		while (used > 0 && bits[window * 32 + used - 1] == 0) {
			used--;
		}
		if (used > 0) {
			write_u8(out, (uint8_t)window);
			write_u8(out, (uint8_t)used);
			write_bytes(out, bits + window * 32, used);
		}
	}
}

static const struct node *next_in_nsec_chain(const struct nodes *nodes, size_t index)
{
	for (size_t i = index + 1; i < nodes->count; i++) {
		if (nodes->items[i].in_chain && nodes->items[i].has_data) {
			return &nodes->items[i];
		}
	}
	return &nodes->items[0];
}

static void add_nsec_chain(struct records *records, const struct nodes *nodes)
{
	struct records chain = {0};
	for (size_t i = 0; i < nodes->count; i++) {
		const struct node *node = &nodes->items[i];
		uint8_t rdata[1024];
		struct writer out = writer_of(rdata, sizeof rdata);
		if (!node->in_chain || !node->has_data) {
			continue;
		}
		const struct node *next = next_in_nsec_chain(nodes, i);
		write_bytes(&out, next->name.wire, next->name.len);
		write_bitmap(records, node, true, &out);
		records_add(&chain, node->name.wire, DNS_TYPE_NSEC, 300, rdata, writer_len(&out));
	}
	for (size_t i = 0; i < chain.count; i++) {
		const struct record *record = &chain.items[i];
		records_add(records, record->owner.wire, DNS_TYPE_NSEC, 300, record->rdata, record->rdata_len);
	}
	records_free(&chain);
}

struct hashed {
	uint8_t hash[20];
	const struct node *node;
};

static int compare_hashed(const void *a, const void *b)
{
	return memcmp(((const struct hashed *)a)->hash, ((const struct hashed *)b)->hash, 20);
}

static void base32hex(const uint8_t hash[20], uint8_t out[33])
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
	out[0] = 32;
	for (unsigned i = 0; i < 32; i++) {
		unsigned bit = i * 5;
		unsigned word = (unsigned)hash[bit / 8] << 8 | (bit / 8 + 1 < 20 ? hash[bit / 8 + 1] : 0u);
		out[1 + i] = (uint8_t)digits[word >> (11 - bit % 8) & 31u];
	}
}

/* Iterations, salt length and salt, as in NSEC3 and NSEC3PARAM. */
struct hashing {
	uint16_t iterations;
	uint8_t salt_len;
	uint8_t salt[4];
};

static const struct hashing plain_hashing = {.iterations = 1, .salt_len = 1, .salt = {0xab}};
static const struct hashing rfc5155_hashing = {.iterations = 12, .salt_len = 4, .salt = {0xaa, 0xbb, 0xcc, 0xdd}};

static const struct hashing other_hashing = {.iterations = 0, .salt_len = 2, .salt = {0xca, 0xfe}};

static const struct hashing *hashing_of(enum signing signing)
{
	switch (signing) {
	case SIGNED_AS_RFC5155:
		return &rfc5155_hashing;
	case SIGNED_RESALTED:
		return &other_hashing;
	case UNSIGNED:
	case SIGNED_NSEC:
	case SIGNED_NSEC3:
	case SIGNED_OPT_OUT:
		break;
	}
	return &plain_hashing;
}

static void write_hashing(struct writer *out, uint8_t flags, const struct hashing *hashing)
{
	write_u8(out, 1);
	write_u8(out, flags);
	write_u16(out, hashing->iterations);
	write_u8(out, hashing->salt_len);
	write_bytes(out, hashing->salt, hashing->salt_len);
}

static void add_nsec3_chain(struct records *records, const uint8_t *apex, const struct nodes *nodes,
                            const struct hashing *hashing, bool opt_out)
{
	struct hashed *chain = memory_new_array(nodes->count, sizeof *chain);
	size_t count = 0;
	for (size_t i = 0; i < nodes->count; i++) {
		struct dns_name lower;
		if (nodes->items[i].in_chain) {
			dns_name_lower(nodes->items[i].name.wire, &lower);
			crypto_nsec3_hash(lower.wire, lower.len, hashing->salt, hashing->salt_len, hashing->iterations,
			                  chain[count].hash);
			chain[count++].node = &nodes->items[i];
		}
	}
	qsort(chain, count, sizeof *chain, compare_hashed);
	struct records added = {0};
	for (size_t i = 0; i < count; i++) {
		uint8_t rdata[1024];
		uint8_t label[34] = {0};
		struct dns_name owner;
		struct writer out = writer_of(rdata, sizeof rdata);
		write_hashing(&out, opt_out ? 1 : 0, hashing);
		write_u8(&out, 20);
		write_bytes(&out, chain[(i + 1) % count].hash, 20);
		write_bitmap(records, chain[i].node, false, &out);
		base32hex(chain[i].hash, label);
		assert_true(dns_name_join(label, apex, &owner));
		records_add(&added, owner.wire, DNS_TYPE_NSEC3, 300, rdata, writer_len(&out));
	}
	for (size_t i = 0; i < added.count; i++) {
		const struct record *record = &added.items[i];
		records_add(records, record->owner.wire, DNS_TYPE_NSEC3, 300, record->rdata, record->rdata_len);
	}
	records_free(&added);
	free(chain);
}

void records_sign(struct records *records, const uint8_t *apex, enum signing signing)
{
	struct nodes nodes = {0};
	bool opt_out = signing == SIGNED_OPT_OUT || signing == SIGNED_AS_RFC5155;
	const struct hashing *hashing = hashing_of(signing);
	if (signing != SIGNED_NSEC) {
		uint8_t params[16];
		struct writer out = writer_of(params, sizeof params);
		write_hashing(&out, 0, hashing);
		records_add(records, apex, DNS_TYPE_NSEC3PARAM, 0, params, writer_len(&out));
	}
	collect_nodes(records, apex, &nodes);
	classify_nodes(records, apex, &nodes, opt_out);
	if (signing == SIGNED_NSEC) {
		add_nsec_chain(records, &nodes);
	} else {
		add_nsec3_chain(records, apex, &nodes, hashing, opt_out);
	}
	sign_all(records, apex, &nodes);
	free(nodes.items);
}
