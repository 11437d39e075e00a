/* SPDX-License-Identifier: MIT */
/* The difference of two configurations, by comparing what each row's member holds. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "conf/rows_internal.h"
#include "conf/read_internal.h"
#include "dns/name.h"

/* Options of a zone are numbered with those of zone_rows first. */
const char *conf_zone_option_name(size_t index)
{
	if (index < zone_rows.count) {
		return zone_rows.rows[index].name;
	}
	index -= zone_rows.count;
	return index < zone_option_rows.count ? zone_option_rows.rows[index].name : NULL;
}

const char *conf_server_option_name(size_t index)
{
	return index < server_rows.count ? server_rows.rows[index].name : NULL;
}

void conf_write_option_names(uint64_t options, const char *(*name_of)(size_t index), struct text *out)
{
	const char *separator = "";
	for (size_t i = 0; i < 64; i++) {
		if ((options & (uint64_t)1 << i) != 0) {
			text_format(out, "%s%s", separator, name_of(i));
			separator = ", ";
		}
	}
}

/* Which rows differ, as bits from `first_bit` on; their reload plans are added to *reload. */
static uint64_t rows_diff(const struct rows *rows, const void *before, const void *after, size_t first_bit,
                          unsigned *reload)
{
	uint64_t options = 0;
	for (size_t i = 0; i < rows->count; i++) {
		if (!value_equal(&rows->rows[i], before, after)) {
			options |= (uint64_t)1 << (first_bit + i);
			*reload |= rows->rows[i].reload;
		}
	}
	return options;
}

/* Which group a zone is in makes no difference by itself. */
static uint64_t without_group(uint64_t options)
{
	return options & ~((uint64_t)1 << (row_find(&zone_rows, "group") - zone_rows.rows));
}

static void zone_diff(const struct conf_zone *before, const struct conf_zone *after, struct conf_zone_difference *out)
{
	*out = (struct conf_zone_difference){.change = CONF_ZONE_CHANGED, .before = before, .after = after};
	out->options = without_group(rows_diff(&zone_rows, before, after, 0, &out->reload));
	if (before->options != after->options) {
		out->options |=
		        rows_diff(&zone_option_rows, before->options, after->options, zone_rows.count, &out->reload);
	}
	if (conf_zone_is_secondary(before) != conf_zone_is_secondary(after)) {
		out->reload |= RELOAD_ROLE;
	}
}

static int compare_zones(const void *a, const void *b)
{
	const uint8_t *name_a = (*(const struct conf_zone *const *)a)->name;
	const uint8_t *name_b = (*(const struct conf_zone *const *)b)->name;
	size_t len_a = dns_name_len(name_a);
	size_t len_b = dns_name_len(name_b);
	int order = memcmp(name_a, name_b, len_a < len_b ? len_a : len_b);
	return order != 0 ? order : (len_a > len_b) - (len_a < len_b);
}

static const struct conf_zone **zones_sorted(const struct conf *conf)
{
	const struct conf_zone **zones = memory_new_array(conf->zone_count + 1, sizeof *zones);
	for (size_t i = 0; i < conf->zone_count; i++) {
		zones[i] = &conf->zones[i];
	}
	qsort(zones, conf->zone_count, sizeof *zones, compare_zones);
	return zones;
}

static void add_zone_difference(struct conf_difference *difference, size_t *capacity,
                                const struct conf_zone_difference *zone)
{
	memory_reserve((void **)&difference->zones, capacity, difference->zone_count + 1, sizeof *difference->zones);
	difference->zones[difference->zone_count++] = *zone;
}

/* Walks both sorted lists side by side; each ends with NULL. */
static void zones_diff(const struct conf_zone **before, const struct conf_zone **after,
                       struct conf_difference *difference)
{
	size_t capacity = 0;
	while (*before != NULL || *after != NULL) {
		struct conf_zone_difference zone;
		int order = *before == NULL ? 1 : *after == NULL ? -1 : compare_zones(before, after);
		if (order < 0) {
			zone = (struct conf_zone_difference){.change = CONF_ZONE_REMOVED, .before = *before++};
		} else if (order > 0) {
			zone = (struct conf_zone_difference){.change = CONF_ZONE_ADDED, .after = *after++};
		} else {
			zone_diff(*before++, *after++, &zone);
		}
		if (zone.change != CONF_ZONE_CHANGED || zone.options != 0) {
			add_zone_difference(difference, &capacity, &zone);
		}
	}
}

struct conf_difference *conf_diff(const struct conf *before, const struct conf *after)
{
	struct conf_difference *difference = memory_new(sizeof *difference);
	difference->server_options =
	        rows_diff(&server_rows, &before->server, &after->server, 0, &difference->server_reload);
	const struct conf_zone **zones_before = zones_sorted(before);
	const struct conf_zone **zones_after = zones_sorted(after);
	zones_diff(zones_before, zones_after, difference);
	free(zones_before);
	free(zones_after);
	return difference;
}

void conf_difference_free(struct conf_difference *difference)
{
	if (difference != NULL) {
		free(difference->zones);
		free(difference);
	}
}
