/* SPDX-License-Identifier: MIT */
#include "access/access.h"

static bool rule_holds(const struct access_rule *rule, const struct access_who *who)
{
	if (rule->prefix_count == 0) {
		return true;
	}
	for (size_t i = 0; i < rule->prefix_count; i++) {
		if (prefix_contains(&rule->prefixes[i], who->address)) {
			return true;
		}
	}
	return false;
}

enum access_verdict access_check(const struct access_rules *rules, const struct access_who *who)
{
	for (size_t i = 0; i < rules->rule_count; i++) {
		if (rule_holds(&rules->rules[i], who)) {
			return ACCESS_ALLOWED;
		}
	}
	return ACCESS_DENIED;
}

const char *access_kind_name(enum access_kind kind)
{
	switch (kind) {
	case ACCESS_QUERY:
		return "query";
	case ACCESS_TRANSFER:
		return "transfer";
	case ACCESS_NOTIFY:
		return "notify";
	}
	ensure(kind == ACCESS_QUERY);
	return "";
}
