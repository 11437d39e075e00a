/* SPDX-License-Identifier: MIT */
/* Tables and durations for people. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/cli_internal.h"

/* What a peer said may be part of a cell, and must not reach the terminal as a command. */
static char *cell_of(const char *text)
{
	char *cell = memory_copy_text(text);
	for (char *at = cell; *at != '\0'; at++) {
		unsigned char c = (unsigned char)*at;
		*at = c < 0x20 || c == 0x7f ? '?' : *at;
	}
	return cell;
}

void cli_table_add(struct cli_table *table, size_t columns, const char *const *cells)
{
	ensure(columns <= CLI_COLUMNS_MAX && (table->count == 0 || table->columns == columns));
	table->columns = columns;
	memory_reserve((void **)&table->rows, &table->capacity, table->count + 1, sizeof *table->rows);
	struct cli_row *row = &table->rows[table->count++];
	for (size_t i = 0; i < columns; i++) {
		row->cells[i] = cell_of(cells[i]);
	}
}

static size_t width_of(const struct cli_table *table, size_t column)
{
	size_t width = 0;
	for (size_t i = 0; i < table->count; i++) {
		size_t len = strlen(table->rows[i].cells[column]);
		width = len > width ? len : width;
	}
	return width;
}

/* Nothing follows the last cell that has something in it. */
static void print_row(struct cli_row *row, size_t columns, const size_t *widths, int indent)
{
	size_t used = columns;
	while (used > 0 && row->cells[used - 1][0] == '\0') {
		used--;
	}
	printf("%*s", indent, "");
	for (size_t j = 0; j < columns; j++) {
		bool last = j + 1 == used;
		if (j < used) {
			printf("%-*s%s", last ? 0 : (int)widths[j], row->cells[j], last ? "" : "  ");
		}
		free(row->cells[j]);
	}
	putchar('\n');
}

void cli_table_print(struct cli_table *table, int indent)
{
	size_t widths[CLI_COLUMNS_MAX] = {0};
	for (size_t j = 0; j < table->columns; j++) {
		widths[j] = width_of(table, j);
	}
	for (size_t i = 0; i < table->count; i++) {
		print_row(&table->rows[i], table->columns, widths, indent);
	}
	free(table->rows);
	*table = (struct cli_table){0};
}

char *cli_size(uint64_t octets, char out[static CLI_SIZE_MAX])
{
	static const char *const units[] = {"octets", "KiB", "MiB", "GiB", "TiB"};
	size_t unit = 1;
	uint64_t tenths = octets / 1024 * 10 + octets % 1024 * 10 / 1024; /* of a KiB */
	if (octets < 1024) {
		snprintf(out, CLI_SIZE_MAX, "%llu octets", (unsigned long long)octets);
		return out;
	}
	while (tenths >= 10240 && unit + 1 < ARRAY_LENGTH(units)) {
		tenths /= 1024;
		unit++;
	}
	if (tenths < 100) {
		snprintf(out, CLI_SIZE_MAX, "%llu.%llu %s", (unsigned long long)tenths / 10,
		         (unsigned long long)tenths % 10, units[unit]);
	} else {
		snprintf(out, CLI_SIZE_MAX, "%llu %s", (unsigned long long)tenths / 10, units[unit]);
	}
	return out;
}

char *cli_duration(uint64_t ms, char out[static CLI_DURATION_MAX])
{
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = {{"w", 604800000}, {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
	size_t first = 0;
	while (first + 1 < ARRAY_LENGTH(units) && ms < units[first].ms) {
		first++;
	}
	uint64_t number = ms / units[first].ms;
	int len = snprintf(out, CLI_DURATION_MAX, "%llu%s", (unsigned long long)number, units[first].name);
	/* Beside seconds and more, milliseconds say nothing. */
	if (first + 2 < ARRAY_LENGTH(units)) {
		uint64_t rest = ms % units[first].ms / units[first + 1].ms;
		if (rest > 0) {
			snprintf(out + len, CLI_DURATION_MAX - (size_t)len, "%llu%s", (unsigned long long)rest,
			         units[first + 1].name);
		}
	}
	return out;
}
