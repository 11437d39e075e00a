/* SPDX-License-Identifier: MIT */
/* Feeds a fuzz target with the files of the folders named on the command line, without libFuzzer: each file whole, and
 * cut short at up to CUTS_MAX places. Prints TAP, one test per file. A target that finds a fault ends the process.
 *
 * Each input lies in a block of exactly its size, so that the address sanitizer sees the first byte read too far. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CUTS_MAX     64
#define PATH_LEN_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned file_count;

static void feed(const uint8_t *bytes, size_t len)
{
	uint8_t *exact = malloc(len > 0 ? len : 1);
	if (exact == NULL) {
		exit(1);
	}
	if (len > 0) {
		memcpy(exact, bytes, len);
	}
	LLVMFuzzerTestOneInput(exact, len);
	free(exact);
}

static void feed_cut(const uint8_t *bytes, size_t len)
{
	size_t cuts = len < CUTS_MAX ? len : CUTS_MAX;
	for (size_t cut = 0; cut < cuts; cut++) {
		feed(bytes, len * cut / cuts);
	}
}

static uint8_t *read_file(const char *path, size_t len)
{
	uint8_t *bytes = malloc(len + 1);
	FILE *file = fopen(path, "rb");
	if (bytes == NULL || file == NULL || fread(bytes, 1, len, file) != len) {
		perror(path);
		exit(1);
	}
	fclose(file);
	return bytes;
}

static void replay_file(const char *path, const char *name)
{
	struct stat status;
	if (stat(path, &status) != 0 || !S_ISREG(status.st_mode)) {
		return;
	}
	size_t len = (size_t)status.st_size;
	uint8_t *bytes = read_file(path, len);
	printf("# %s\n", path);
	fflush(stdout);
	feed(bytes, len);
	feed_cut(bytes, len);
	free(bytes);
	printf("ok %u - %s\n", ++file_count, name);
}

static int is_seed(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void replay_folder(const char *folder)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, is_seed, alphasort);
	if (count < 0) {
		perror(folder);
		exit(1);
	}
	for (int i = 0; i < count; i++) {
		char path[PATH_LEN_MAX];
		snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
		replay_file(path, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		replay_folder(argv[i]);
	}
	printf("1..%u\n", file_count);
	if (file_count == 0) {
		fprintf(stderr, "no seeds\n");
		return 1;
	}
	return 0;
}
