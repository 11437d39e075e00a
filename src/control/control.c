/* SPDX-License-Identifier: MIT */
#include "control/control.h"

#include <string.h>

static const char *const action_names[CONTROL_ACTIONS] = {
        [CONTROL_RELOAD] = "reload", [CONTROL_REFRESH] = "refresh", [CONTROL_RETRANSFER] = "retransfer",
        [CONTROL_NOTIFY] = "notify", [CONTROL_FLUSH] = "flush",     [CONTROL_EXPORT] = "export",
        [CONTROL_FORGET] = "forget",
};

const char *control_action_name(enum control_action action)
{
	ensure((size_t)action < CONTROL_ACTIONS);
	return action_names[action];
}

bool control_action_from_name(const char *name, enum control_action *out)
{
	for (size_t i = 0; i < CONTROL_ACTIONS; i++) {
		if (strcmp(name, action_names[i]) == 0) {
			*out = (enum control_action)i;
			return true;
		}
	}
	return false;
}

bool control_is_gone(const struct control_asker *asker)
{
	return asker != NULL && asker->is_gone(asker);
}

const char *control_standing_name(enum control_standing standing)
{
	switch (standing) {
	case CONTROL_NOTHING:
		return "not-loaded";
	case CONTROL_CURRENT:
		return "current";
	case CONTROL_BEHIND:
		return "behind";
	case CONTROL_UNPROVEN:
		return "unproven";
	case CONTROL_LAPSED:
		return "expired";
	}
	ensure(false);
}

const char *control_role_name(enum control_zone_role role)
{
	switch (role) {
	case CONTROL_PRIMARY:
		return "primary";
	case CONTROL_SECONDARY:
		return "secondary";
	}
	ensure(role == CONTROL_PRIMARY);
	return "";
}

const char *control_state_name(enum control_zone_state state)
{
	switch (state) {
	case CONTROL_NOT_LOADED:
		return "not-loaded";
	case CONTROL_LOADING:
		return "loading";
	case CONTROL_SERVING:
		return "serving";
	case CONTROL_EXPIRED:
		return "expired";
	}
	ensure(state == CONTROL_SERVING);
	return "";
}
