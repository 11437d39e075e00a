/* SPDX-License-Identifier: MIT */
/* Any octets where signatures and keys are read; the first chooses where. Nothing that was not signed with the secret is
 * ever taken as signed, what was is, and whatever a question is, its answer can be signed or says that it cannot. */
#include <stdlib.h>
#include <string.h>

#include "access/tsig.h"
#include "base/ensure.h"
#include "base/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_S 256 /* the seeds are signed about then, so that their MACs alone are wrong */

static const struct tsig_key *key;
static struct tsig_keys *keys;

static void make_keys(void)
{
	struct error error;
	key = tsig_key_new((const uint8_t *)"\3key", TSIG_HMAC_SHA256, "secret", 6, 16, &error);
	ensure(key != NULL);
	keys = tsig_keys_new(&key, 1);
}

/* A header, and a TSIG behind it. */
static void sign_answer(struct tsig *tsig)
{
	uint8_t bytes[1024] = {0, 1, 0x84, 0};
	struct dns_message message;
	size_t size = tsig_size(tsig);
	size_t len = tsig_sign(tsig, bytes, DNS_HEADER_SIZE, NOW_S);
	ensure(len <= DNS_HEADER_SIZE + size);
	ensure(dns_message_read(bytes, len, &message) == DNS_READ_OK && message.has_tsig);
}

static void take_question(const struct dns_message *message)
{
	struct tsig tsig;
	enum tsig_verdict verdict = tsig_take(&tsig, keys, message, NOW_S);
	ensure(verdict != TSIG_GOOD && tsig_proves(&tsig) == NULL);
	if (verdict != TSIG_FORMERR) {
		sign_answer(&tsig);
	}
	tsig_end(&tsig);
}

static void check_answer(const struct dns_message *message)
{
	uint8_t question[512] = {0, 1};
	struct tsig tsig;
	struct error error;
	tsig_ask(&tsig, key);
	tsig_sign(&tsig, question, DNS_HEADER_SIZE, NOW_S);
	enum tsig_verdict verdict = tsig_check(&tsig, message, NOW_S);
	ensure(verdict != TSIG_GOOD && !tsig_is_proven(&tsig));
	ensure(tsig_is_wrong(&tsig, verdict, NOW_S, &error) && error.text[0] != '\0');
	tsig_end(&tsig);
}

/* Signed by us it is good, and with one bit turned it is not. */
static void sign_question(const uint8_t *data, size_t size, size_t turned)
{
	struct dns_message message;
	struct tsig tsig;
	if (size > 4096 || dns_message_read(data, size, &message) != DNS_READ_OK || message.has_tsig ||
	    message.header.additional_count == UINT16_MAX) {
		return;
	}
	uint8_t *bytes = memory_new(size + 512);
	memcpy(bytes, data, size);
	tsig_ask(&tsig, key);
	size_t len = tsig_sign(&tsig, bytes, size, NOW_S);
	tsig_end(&tsig);
	ensure(dns_message_read(bytes, len, &message) == DNS_READ_OK);
	ensure(tsig_take(&tsig, keys, &message, NOW_S) == TSIG_GOOD && tsig_proves(&tsig) == key);
	tsig_end(&tsig);
	bytes[turned / 8 % len] ^= (uint8_t)(1u << turned % 8);
	size_t octet = turned / 8 % len;
	/* The id is not signed, but that of the TSIG; a turned bit in the key's names may be one of case. */
	if (octet >= 2 && octet < size && dns_message_read(bytes, len, &message) == DNS_READ_OK && message.has_tsig) {
		ensure(tsig_take(&tsig, keys, &message, NOW_S) != TSIG_GOOD);
		tsig_end(&tsig);
	}
	free(bytes);
}

static void read_key(const char *text, size_t len)
{
	struct tsig_written written;
	struct tsig_written again;
	struct error error;
	struct text out;
	if (!tsig_key_read(text, len, &written, &error)) {
		return;
	}
	text_init(&out, 16384);
	tsig_key_write(&written, &out);
	ensure(tsig_key_read(text_string(&out), out.len, &again, &error));
	ensure(again.algorithm == written.algorithm && again.secret_len == written.secret_len);
	ensure(memcmp(again.secret, written.secret, written.secret_len) == 0);
	ensure(dns_name_equal(again.name.wire, written.name.wire));
	tsig_key_unref(tsig_key_of(&written, &error));
	text_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_message message;
	if (key == NULL) {
		make_keys();
	}
	if (size < 3) {
		return 0;
	}
	size_t turned = (size_t)data[1] << 8 | data[2];
	switch (data[0] % 3) {
	case 0:
		read_key((const char *)data + 3, size - 3);
		break;
	case 1:
		sign_question(data + 3, size - 3, turned);
		break;
	default:
		if (size - 3 <= DNS_MESSAGE_MAX && dns_message_read(data + 3, size - 3, &message) == DNS_READ_OK) {
			check_answer(&message);
			if (message.has_tsig) {
				take_question(&message);
			}
		}
		break;
	}
	return 0;
}
