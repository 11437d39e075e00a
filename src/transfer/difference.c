/* SPDX-License-Identifier: MIT */
#include "transfer/difference_internal.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/memory.h"
#include "dns/message.h"
#include "dns/rdata.h"
#include "dns/serial.h"

static uint32_t serial_of(const struct zone_change *soa)
{
	return dns_soa_serial(soa->rdata, soa->rdata_len);
}

static bool is_same_soa(const struct zone_change *a, const struct zone_change *b)
{
	return dns_rdata_compare(DNS_TYPE_SOA, a->rdata, a->rdata_len, b->rdata, b->rdata_len) == 0;
}

bool transfer_difference_begin(struct transfer_difference *difference, const struct zone_change *soa, uint32_t serial,
                               struct error *error)
{
	*difference = (struct transfer_difference){.serial_from = serial_of(soa)};
	changeset_builder_init(&difference->step);
	if (difference->serial_from != serial) {
		return error_set(error, ERROR_INVALID,
		                 "the differences begin with serial %" PRIu32 ", but we have %" PRIu32,
		                 difference->serial_from, serial);
	}
	changeset_builder_add(&difference->step, soa);
	return true;
}

void transfer_difference_deinit(struct transfer_difference *difference)
{
	for (size_t i = 0; i < difference->count; i++) {
		changeset_unref(difference->sets[i]);
	}
	free(difference->sets);
	changeset_builder_deinit(&difference->step);
	*difference = (struct transfer_difference){.sets = NULL};
}

uint64_t transfer_difference_octets(const struct transfer_difference *difference)
{
	return difference->octets + changeset_builder_len(&difference->step);
}

void transfer_difference_add(struct transfer_difference *difference, struct zone_change *rr)
{
	rr->add = difference->is_adding;
	changeset_builder_add(&difference->step, rr);
}

/* The version that was coming is whole. */
static bool end_step(struct transfer_difference *difference, struct error *error)
{
	size_t len;
	if (difference->count == TRANSFER_STEPS_MAX) {
		return error_set(error, ERROR_LIMIT, "there are more than %d differences", TRANSFER_STEPS_MAX);
	}
	const struct changeset *set = changeset_builder_end(&difference->step, error);
	if (set == NULL) {
		return false;
	}
	changeset_octets(set, &len);
	difference->octets += len;
	memory_reserve((void **)&difference->sets, &difference->capacity, difference->count + 1,
	               sizeof *difference->sets);
	difference->sets[difference->count++] = set;
	return true;
}

/* From what goes to what comes. */
static bool turn_to_adding(struct transfer_difference *difference, struct zone_change *soa,
                           const struct zone_change *last, struct error *error)
{
	uint32_t serial = serial_of(soa);
	if (dns_serial_compare(serial, difference->serial_from) != DNS_SERIAL_NEWER) {
		return error_set(error, ERROR_INVALID, "the differences lead from serial %" PRIu32 " to %" PRIu32,
		                 difference->serial_from, serial);
	}
	if (serial == serial_of(last) && !is_same_soa(soa, last)) {
		return error_set(error, ERROR_INVALID, "two different SOAs have serial %" PRIu32, serial);
	}
	difference->serial_to = serial;
	difference->is_adding = true;
	transfer_difference_add(difference, soa);
	return true;
}

/* From what comes to the next version. */
static bool turn_to_removing(struct transfer_difference *difference, struct zone_change *soa, struct error *error)
{
	uint32_t serial = serial_of(soa);
	if (serial != difference->serial_to) {
		return error_set(error, ERROR_INVALID,
		                 "the differences go on with serial %" PRIu32 " where they had reached %" PRIu32,
		                 serial, difference->serial_to);
	}
	if (!end_step(difference, error)) {
		return false;
	}
	difference->serial_from = serial;
	difference->is_adding = false;
	transfer_difference_add(difference, soa);
	return true;
}

enum transfer_in_step transfer_difference_turn(struct transfer_difference *difference, struct zone_change *soa,
                                               const struct zone_change *last, struct error *error)
{
	bool is_good;
	if (!difference->is_adding) {
		is_good = turn_to_adding(difference, soa, last, error);
	} else if (difference->serial_to != serial_of(last)) {
		is_good = turn_to_removing(difference, soa, error);
	} else if (is_same_soa(soa, last)) {
		return end_step(difference, error) ? TRANSFER_IN_DONE : TRANSFER_IN_FAILED;
	} else {
		is_good =
		        error_set(error, ERROR_INVALID, "the differences do not end with the SOA that they began with");
	}
	return is_good ? TRANSFER_IN_MORE : TRANSFER_IN_FAILED;
}

/* The version after one difference; what it came of is given up. */
static const struct zone_snapshot *apply_step(const struct changeset *set, const struct zone_snapshot *take,
                                              bool is_first, struct error *error)
{
	struct changeset_facts facts = changeset_facts(set);
	const struct zone_snapshot *next = changeset_apply(set, take, error);
	if (next == NULL) {
		error_context(error, "the difference from serial %" PRIu32 " to %" PRIu32 " does not fit ours",
		              facts.serial_from, facts.serial_to);
	}
	if (next == NULL || is_first) {
		zone_unref(take);
	} else {
		zone_unref_unseen(take); /* or a thousand of them would wait for the readers of others */
	}
	return next;
}

/* What the steps have made anew so far is more than reading the whole zone a few times would: names below a delegation that
 * comes and goes are written again each time, for two RRs. */
static bool is_worth_it(const struct zone_snapshot *version, uint64_t *made, struct error *error)
{
	struct zone_facts facts;
	zone_facts(version, &facts);
	*made += facts.bytes_own;
	return *made <= TRANSFER_MADE_TIMES * facts.bytes + TRANSFER_MADE_FREE ||
	       error_set(error, ERROR_LIMIT, "the differences are more work than the whole zone");
}

const struct zone_snapshot *transfer_difference_apply(const struct transfer_difference *difference,
                                                      const struct zone_snapshot *base, struct error *error)
{
	const struct zone_snapshot *version = zone_ref(base);
	uint64_t made = 0;
	for (size_t i = 0; i < difference->count && version != NULL; i++) {
		version = apply_step(difference->sets[i], version, i == 0, error);
		if (version != NULL && !is_worth_it(version, &made, error)) {
			zone_unref(version);
			version = NULL;
		}
	}
	return version;
}
