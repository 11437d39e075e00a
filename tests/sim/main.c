/* SPDX-License-Identifier: MIT */
/* Plays seeds. Exit status: 0 no rule was broken, 3 one was, 2 wrong usage. README.md tells more. */
#include "sim.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"

#define BROKEN      3
#define WRONG_USAGE 2

struct sim sim;

struct options {
	uint64_t from;
	uint64_t count;
	uint64_t step;
	bool wants_story; /* of a seed that breaks nothing, too */
	bool all;
	bool shrinks;
	uint32_t left_out[512];
	size_t left_out_count;
};

/* ---- one seed ---- */

static void log_line(void *context, enum log_level level, const char *line)
{
	(void)context;
	if (sim.current == NULL || !sim.current->is_dead) {
		sim_tell(sim.current, "%s%s", level <= LOG_WARNING ? "! " : "", line);
	}
}

static void world_begin(uint64_t seed, bool wants_story)
{
	char folder[sizeof sim.folder];
	memcpy(folder, sim.folder, sizeof folder);
	sim_story_forget();
	sim_rules_forget();
	memset(&sim, 0, sizeof sim);
	memcpy(sim.folder, folder, sizeof folder);
	sim.seed = seed;
	sim.wants_story = wants_story;
	random_seeded_init(&sim.random, seed * 0x9e3779b97f4a7c15u + 1);
}

static void world_end(struct sim_plan *plan)
{
	for (size_t i = 0; i < sim.server_count; i++) {
		sim_kill(&sim.servers[i]);
	}
	bool is_violated = sim.is_violated;
	sim_bury_dead();
	sim.is_violated = is_violated;
	sim_drop_events();
	for (size_t i = 0; i < sim.server_count; i++) {
		sim_disk_free(sim.servers[i].disk);
		sim_kv_free(sim.servers[i].kv);
	}
	sim_plan_free(plan);
}

static void wait_for_agreement(void)
{
	char why[300];
	struct sim_server *who = NULL;
	size_t zone = 0;
	int64_t from_ms = sim.now_ms;
	int64_t until_ms = from_ms + sim_rules_patience_ms();
	while (!sim.is_violated && !sim_rules_all_agree(&who, &zone, why, sizeof why)) {
		if (sim.now_ms >= until_ms) {
			sim_violated("R6", who, zone, "%s, %" PRId64 " s after the last fault", why,
			             (sim.now_ms - from_ms) / 1000);
		} else {
			sim_run_until(sim.now_ms + 5000);
		}
	}
	int64_t took_ms = sim.now_ms - from_ms;
	sim.agreed_after_ms = took_ms > sim.agreed_after_ms ? took_ms : sim.agreed_after_ms;
}

/* Changes that follow each other so closely that NOTIFYs come while transfers run. */
static void edit_in_calm(struct sim_plan *plan)
{
	sim.is_settled = true;
	sim_tell(NULL, "all agree; a NOTIFY that is taken is to be followed now");
	for (size_t i = 0; i < 8 && !sim.is_violated; i++) {
		sim_plan_edit_all(plan);
		sim_run_until(sim.now_ms + sim_between(20, sim_chance(50) ? 300 : 5000));
	}
	sim_run_until(sim.now_ms + 120000);
	sim.is_settled = false;
}

/* Everybody goes down at once, and comes back with what he had. */
static void black_out(void)
{
	for (size_t i = 0; i < sim.server_count; i++) {
		sim_kill(&sim.servers[i]);
	}
	sim_bury_dead();
	for (size_t i = 0; i < sim.server_count && !sim.is_violated; i++) {
		sim_start(&sim.servers[i]);
	}
}

static void play(struct sim_plan *plan)
{
	sim_plan_begin(plan);
	if (!sim_run_until(sim_plan_end_ms(plan) + 10000)) {
		return;
	}
	sim_plan_calm(plan);
	wait_for_agreement();
	/* Whoever was left out for what he did is asked again by then. */
	sim_run_until(sim.now_ms + sim_rules_patience_ms());
	wait_for_agreement();
	if (!sim.is_violated) {
		edit_in_calm(plan);
		wait_for_agreement();
	}
	if (!sim.is_violated) {
		black_out();
		wait_for_agreement();
	}
}

/* What came of it. */
struct outcome {
	bool is_violated;
	char rule[sizeof sim.rule];
	size_t items;
};

static struct outcome play_seed(uint64_t seed, const uint32_t *left_out, size_t left_out_count, bool wants_story,
                                bool all)
{
	world_begin(seed, wants_story);
	struct sim_plan *plan = sim_plan_new(left_out, left_out_count);
	play(plan);
	struct outcome outcome = {.is_violated = sim.is_violated, .items = sim_plan_count(plan)};
	memcpy(outcome.rule, sim.rule, sizeof outcome.rule);
	if (wants_story) {
		sim_story_print(all);
	}
	world_end(plan);
	return outcome;
}

/* ---- a seed that breaks a rule ---- */

/* Leaves out whatever is not needed for it. */
static void shrink(uint64_t seed, struct options *options, const struct outcome *outcome)
{
	for (size_t i = outcome->items; i > 0 && options->left_out_count < ARRAY_LENGTH(options->left_out); i--) {
		options->left_out[options->left_out_count++] = (uint32_t)i;
		struct outcome without = play_seed(seed, options->left_out, options->left_out_count, false, false);
		if (!without.is_violated || strcmp(without.rule, outcome->rule) != 0) {
			options->left_out_count--;
		}
	}
}

static void tell_broken(uint64_t seed, struct options *options, const struct outcome *outcome)
{
	printf("seed %" PRIu64 " breaks %s: %s %s\n", seed, outcome->rule,
	       sim.violator == SIM_SERVERS_MAX ? "" : sim.servers[sim.violator].name, sim.violation);
	fflush(stdout);
	if (options->shrinks) {
		shrink(seed, options, outcome);
	}
	printf("again: sim --seed %" PRIu64 " --story%s", seed, options->left_out_count == 0 ? "" : " --without ");
	for (size_t i = 0; i < options->left_out_count; i++) {
		printf("%s%" PRIu32, i == 0 ? "" : ",", options->left_out[i]);
	}
	printf("\n\n");
	play_seed(seed, options->left_out, options->left_out_count, true, options->all);
}

/* ---- many ---- */

struct totals {
	uint64_t seeds, events, starts, published, held_back, followed, expiries, refusals;
	int64_t simulated_ms;
	int64_t slowest_ms;
};

static void add_up(struct totals *totals)
{
	totals->seeds++;
	totals->events += sim.events;
	totals->starts += sim.starts;
	totals->published += sim.published;
	totals->held_back += sim.held_back;
	totals->followed += sim.followed;
	totals->expiries += sim.expiries;
	totals->refusals += sim.disk_refusals;
	totals->simulated_ms += sim.now_ms;
	totals->slowest_ms = sim.agreed_after_ms > totals->slowest_ms ? sim.agreed_after_ms : totals->slowest_ms;
}

static void print_totals(const struct totals *totals)
{
	printf("%" PRIu64 " seeds: %" PRIu64 " events in %" PRId64 " simulated hours, %" PRIu64 " starts, %" PRIu64
	       " versions published, %" PRIu64 " held back, %" PRIu64 " followed, %" PRIu64 " expiries, %" PRIu64
	       " refusals of disks; all agreed within %" PRId64 " s\n",
	       totals->seeds, totals->events, totals->simulated_ms / 3600000, totals->starts, totals->published,
	       totals->held_back, totals->followed, totals->expiries, totals->refusals, totals->slowest_ms / 1000);
}

static int play_all(struct options *options)
{
	struct totals totals = {0};
	for (uint64_t i = 0; i < options->count; i++) {
		uint64_t seed = options->from + i * options->step;
		struct outcome outcome =
		        play_seed(seed, options->left_out, options->left_out_count, options->wants_story, options->all);
		add_up(&totals);
		if (outcome.is_violated) {
			if (!options->wants_story) {
				tell_broken(seed, options, &outcome);
			}
			return BROKEN;
		}
	}
	print_totals(&totals);
	return 0;
}

/* ---- the command line ---- */

static void say_seed(int signal_number)
{
	char text[64];
	int len = snprintf(text, sizeof text, "seed %" PRIu64 " ended the process\n", sim.seed);
	ssize_t written = write(STDERR_FILENO, text, (size_t)len);
	(void)written;
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

static void read_left_out(struct options *options, char *list)
{
	for (char *word = strtok(list, ","); word != NULL && options->left_out_count < ARRAY_LENGTH(options->left_out);
	     word = strtok(NULL, ",")) {
		options->left_out[options->left_out_count++] = (uint32_t)strtoul(word, NULL, 10);
	}
}

static bool read_options(int argc, char **argv, struct options *options)
{
	*options = (struct options){.from = 1, .count = 1, .step = 1, .shrinks = true};
	for (int i = 1; i < argc; i++) {
		const char *option = argv[i];
		char *value = i + 1 < argc ? argv[i + 1] : NULL;
		if (strcmp(option, "--story") == 0) {
			options->wants_story = true;
		} else if (strcmp(option, "--all") == 0) {
			options->all = true;
		} else if (strcmp(option, "--no-shrink") == 0) {
			options->shrinks = false;
		} else if (value == NULL) {
			return false;
		} else if (strcmp(option, "--seed") == 0) {
			options->from = strtoull(argv[++i], NULL, 10);
		} else if (strcmp(option, "--seeds") == 0) {
			options->count = strtoull(argv[++i], NULL, 10);
		} else if (strcmp(option, "--step") == 0) {
			options->step = strtoull(argv[++i], NULL, 10);
		} else if (strcmp(option, "--without") == 0) {
			read_left_out(options, argv[++i]);
		} else {
			return false;
		}
	}
	return true;
}

static void remove_folder(void)
{
	char command[128];
	snprintf(command, sizeof command, "rm -rf %s", sim.folder);
	int status = system(command);
	(void)status;
}

int main(int argc, char **argv)
{
	struct options options;
	if (!read_options(argc, argv, &options)) {
		fprintf(stderr, "usage: sim [--seed N] [--seeds COUNT] [--step N] [--story] [--all] [--no-shrink] "
		                "[--without ITEM,...]\n");
		return WRONG_USAGE;
	}
	snprintf(sim.folder, sizeof sim.folder, "/tmp/tandem-sim-XXXXXX");
	ensure(mkdtemp(sim.folder) != NULL);
	signal(SIGABRT, say_seed);
	signal(SIGSEGV, say_seed);
	log_set_sink(log_line, NULL);
	int status = play_all(&options);
	sim_story_forget();
	sim_rules_forget();
	remove_folder();
	return status;
}
