/* SPDX-License-Identifier: MIT */
/* A thin layer over cmocka, so that a test reads as its claim:
 *
 *     TEST(label_of_64_octets_is_refused)
 *     {
 *             assert_false(...);
 *     }
 *
 * Every TEST in the program runs; unit.c has main(). Each program takes names of tests to run only those. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct unit_test {
	const char *name;
	void (*run)(void **state);
	struct unit_test *next;
};

void unit_register(struct unit_test *test);

/* A random seed, printed with the failing test; UNIT_SEED=N in the environment repeats it. */
uint64_t unit_seed(void);

/* A new empty folder of this process, removed with all its content at exit. Borrowed. */
const char *unit_folder(void);

#define TEST(test_name)                                                                                                \
	static void test_name(void **state);                                                                           \
	static struct unit_test unit_test_##test_name = {.name = #test_name, .run = test_name};                        \
	__attribute__((constructor)) static void unit_register_##test_name(void)                                       \
	{                                                                                                              \
		unit_register(&unit_test_##test_name);                                                                 \
	}                                                                                                              \
	static void test_name(void **unit_state __attribute__((unused)))
