/* SPDX-License-Identifier: MIT */
/* The flags of `tandem serve` as the tree that a file would have given. */
#pragma once

#include "conf/tree_internal.h"

/* Never NULL; what is wrong with a flag's form is in `problems`. */
struct tree_node *tree_from_flags(const struct conf_flag *flags, size_t count, struct arena *arena,
                                  struct problems *problems);
