/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"

static struct unit_test *first_test;
static struct unit_test **last_test = &first_test;
static uint64_t seed;
static char folder[64];

void unit_register(struct unit_test *test)
{
	*last_test = test;
	last_test = &test->next;
}

uint64_t unit_seed(void)
{
	return seed;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status;
	(void)kind;
	(void)place;
	return remove(path);
}

static void remove_folder(void)
{
	nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *unit_folder(void)
{
	if (folder[0] == '\0') {
		snprintf(folder, sizeof folder, "/tmp/tandem-unit-XXXXXX");
		if (mkdtemp(folder) == NULL) {
			perror("mkdtemp");
			exit(1);
		}
		atexit(remove_folder);
	}
	return folder;
}

static void seed_init(void)
{
	const char *given = getenv("UNIT_SEED");
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	seed = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)now.tv_sec * 1000003u + (uint64_t)now.tv_nsec;
	printf("# UNIT_SEED=%llu\n", (unsigned long long)seed);
	fflush(stdout);
}

static int is_wanted(const struct unit_test *test, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], test->name) == 0) {
			return 1;
		}
	}
	return argc == 1;
}

int main(int argc, char **argv)
{
	size_t count = 0;
	struct CMUnitTest *tests = NULL;
	size_t capacity = 0;
	for (struct unit_test *test = first_test; test != NULL; test = test->next) {
		if (is_wanted(test, argc, argv)) {
			memory_reserve((void **)&tests, &capacity, count + 1, sizeof *tests);
			tests[count++] = (struct CMUnitTest){.name = test->name, .test_func = test->run};
		}
	}
	if (count == 0) {
		fprintf(stderr, "no such test\n");
		return 2;
	}
	seed_init();
	cmocka_set_message_output(CM_OUTPUT_TAP);
	int failed = _cmocka_run_group_tests(argv[0], tests, count, NULL, NULL);
	free(tests);
	return failed == 0 ? 0 : 1;
}
