/* SPDX-License-Identifier: MIT */
/* The system's files for looking at only. */
#include <errno.h>

#include "store/disk.h"

static struct disk_file *refuse_create(struct disk *disk, const char *path, struct error *error)
{
	(void)disk;
	error_set_errno(error, EROFS, "%s", path);
	return NULL;
}

static bool refuse_rename(struct disk *disk, const char *from, const char *to, struct error *error)
{
	(void)disk;
	(void)from;
	(void)to;
	return error_set(error, ERROR_DENIED, "it is only looked at");
}

static void keep(struct disk *disk, const char *path)
{
	(void)disk;
	(void)path;
}

/* The table is the system's, but for what would change something. */
struct disk *disk_as_is(void)
{
	static struct disk_side side;
	static struct disk disk = {.side = &side};
	side = *disk_posix()->side;
	side.create = refuse_create;
	side.rename = refuse_rename;
	side.remove = keep;
	return &disk;
}
