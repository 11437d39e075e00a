/* SPDX-License-Identifier: MIT */
/* Copies of what is served, beside offers: whoever is slow here holds up no change. */
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "publish/line_internal.h"

/* The records of what is served, on their way to the disk. */
struct copying {
	struct store_waiter waiter; /* first */
	struct publish_line *line;
	void (*settled)(void *context, const struct error *error);
	void *context;
};

static void finish_copy(struct store_waiter *self, bool is_durable, const struct error *error)
{
	struct copying *copying = (struct copying *)self;
	char zone_text[DNS_NAME_TEXT_MAX];
	if (is_durable || error->code == ERROR_STALE || error->code == ERROR_STOPPED) {
		line_note_copied(copying->line, is_durable ? &self->stand : NULL);
	} else if (line_note_copy_failed(copying->line)) {
		log_warning("zone %s: no copy could be made for the next start, which will take longer: %s",
		            dns_name_to_text_short(copying->line->zone->apex, zone_text), error->text);
	}
	copying->settled(copying->context, is_durable || error->code == ERROR_STALE ? NULL : error);
	free(copying);
}

void publish_line_copy(struct publish_line *line, void (*settled)(void *context, const struct error *error),
                       void *context)
{
	struct line_version version;
	if (!line_take_to_copy(line, &version)) {
		line_note_copied(line, NULL);
		settled(context, NULL);
		return;
	}
	struct copying *copying = memory_new(sizeof *copying);
	copying->waiter.done = finish_copy;
	copying->line = line;
	copying->settled = settled;
	copying->context = context;
	struct store_write *write = store_write_new(line->publish->store, line->zone->apex);
	store_write_copy(write, &version.head, version.stand.number, version.snapshot);
	version.snapshot = NULL; /* taken */
	line_version_drop(&version);
	store_submit(write, &copying->waiter, STORE_SOON);
}
