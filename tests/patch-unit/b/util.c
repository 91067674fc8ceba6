/* SPDX-License-Identifier: MIT */
#define ENTRY	b_entry
#define NUMBER	11
#include "../a/util.c"
