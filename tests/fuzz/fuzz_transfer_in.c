/* SPDX-License-Identifier: MIT */
/* A whole transfer in as a primary may send it: the first octet chooses what was asked, then come messages, each with its
 * length in front as on TCP (the last one may be short). Whatever comes, the transfer ends with a step, a text when it
 * failed, and a candidate only when it is whole; the candidate, sent out again, makes the same zone. */
#include <stdint.h>
#include <stdlib.h>

#include "base/ensure.h"
#include "transfer/transfer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ID 7

/* What the first octet says. */
enum { ASKED_IXFR = 1, HAS_SERIAL = 2, ANY_SERIAL = 4, FEW_RECORDS = 8, FEW_OCTETS = 16 };

static struct dns_encoder encoder;

static struct transfer_in *begin(uint8_t choice)
{
	struct transfer_in_config config = {
	        .apex = (const uint8_t *)"\7example",
	        .class = DNS_CLASS_IN,
	        .type = (choice & ASKED_IXFR) != 0 ? DNS_TYPE_IXFR : DNS_TYPE_AXFR,
	        .id = ID,
	        .has_serial = (choice & HAS_SERIAL) != 0,
	        .serial = 4,
	        .any_serial = (choice & ANY_SERIAL) != 0,
	        .asks_digest = true,
	        .records_max = (choice & FEW_RECORDS) != 0 ? 3 : 100000,
	        .bytes_max = (choice & FEW_OCTETS) != 0 ? 200 : 1000000,
	};
	return transfer_in_new(&config);
}

static void expect_same(const struct zone_snapshot *zone, const struct zone_snapshot *copy)
{
	struct zone_facts before;
	struct zone_facts after;
	ensure(copy != NULL);
	zone_facts(zone, &before);
	zone_facts(copy, &after);
	ensure(before.records == after.records && before.names == after.names &&
	       zone_serial(zone) == zone_serial(copy));
	zone_unref(copy);
}

/* Sends the candidate to ourselves. An RR that came with a compressed owner in a message of 64 KiB may be too large for any
 * message that we would make. */
static void send_again(const struct zone_snapshot *zone)
{
	static uint8_t bytes[DNS_MESSAGE_MAX];
	struct dns_message question = {.header = {.id = ID}, .has_question = true, .qtype = DNS_TYPE_AXFR};
	struct error error;
	size_t len;
	enum transfer_in_step step = TRANSFER_IN_MORE;
	question.qname = dns_name_of(zone_name(zone));
	question.qclass = DNS_CLASS_IN;
	struct transfer_in *in = begin(0);
	struct transfer_out *out = transfer_out_new(&question, zone, NULL, NULL);
	enum transfer_out_step sent = transfer_out_next(out, &encoder, bytes, sizeof bytes, &len, &error);
	while (sent == TRANSFER_OUT_MESSAGE) {
		ensure(step == TRANSFER_IN_MORE);
		step = transfer_in_message(in, bytes, len, &error);
		sent = transfer_out_next(out, &encoder, bytes, sizeof bytes, &len, &error);
	}
	transfer_out_free(out);
	if (sent == TRANSFER_OUT_END) {
		ensure(step == TRANSFER_IN_DONE);
		expect_same(zone, transfer_in_finish(in, NULL, NULL, &error));
	} else {
		transfer_in_free(in);
	}
}

static void finish(struct transfer_in *take)
{
	struct error error;
	const struct zone_snapshot *candidate = transfer_in_finish(take, NULL, NULL, &error);
	if (candidate != NULL) {
		send_again(candidate);
	} else {
		ensure(error.text[0] != '\0');
	}
	zone_unref(candidate);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool is_ready;
	struct reader stream = reader_of(data, size);
	struct error error = {.code = ERROR_NONE};
	if (!is_ready) {
		dns_encoder_init(&encoder);
		is_ready = true;
	}
	struct transfer_in *in = begin(read_u8(&stream));
	enum transfer_in_step step = TRANSFER_IN_MORE;
	while (step == TRANSFER_IN_MORE && !stream.failed && reader_left(&stream) >= 2) {
		size_t len = read_u16(&stream);
		len = len < reader_left(&stream) ? len : reader_left(&stream);
		step = transfer_in_message(in, read_bytes(&stream, len), len, &error);
	}
	switch (step) {
	case TRANSFER_IN_DONE:
		finish(in);
		return 0;
	case TRANSFER_IN_FAILED:
		ensure(error.code != ERROR_NONE && error.text[0] != '\0');
		break;
	case TRANSFER_IN_MORE:
	case TRANSFER_IN_UP_TO_DATE:
		break;
	}
	transfer_in_free(in);
	return 0;
}
