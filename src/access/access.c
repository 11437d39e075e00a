/* SPDX-License-Identifier: MIT */
#include "access/access.h"

#include "access/tsig.h"
#include "dns/name.h"

/* By name: of a key that has just been replaced by another of its name, the rules may be those of before. */
static bool is_among(const struct access_keys *keys, const struct tsig_key *key)
{
	for (size_t i = 0; key != NULL && i < keys->count; i++) {
		if (dns_name_equal(tsig_key_name(keys->items[i]), tsig_key_name(key))) {
			return true;
		}
	}
	return false;
}

static bool is_within(const struct access_rule *rule, const struct address *address)
{
	for (size_t i = 0; i < rule->prefix_count; i++) {
		if (prefix_contains(&rule->prefixes[i], address)) {
			return true;
		}
	}
	return false;
}

static bool rule_holds(const struct access_rule *rule, const struct access_who *who)
{
	return (rule->prefix_count == 0 || is_within(rule, who->address)) &&
	       (rule->keys.count == 0 || is_among(&rule->keys, who->key));
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

bool access_is_proven(const struct access_rules *rules, const struct access_who *who)
{
	for (size_t i = 0; i < rules->rule_count; i++) {
		if (rules->rules[i].keys.count > 0 && rule_holds(&rules->rules[i], who)) {
			return true;
		}
	}
	return false;
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
	case ACCESS_UPDATE:
		return "update";
	}
	ensure(kind == ACCESS_QUERY);
	return "";
}
