// SPDX-License-Identifier: MIT
/*
 * The root of a program that links the archive. A file of its own: what the
 * differ takes into a payload refers to the root and must not bring one.
 */
#include "root.h"

__attribute__((weak, aligned(RP_LIVEPATCH_ROOT_SIZE)))
struct rp_livepatch_root rp__livepatch_root;
