// SPDX-License-Identifier: MIT
/* The same as C++. */
#include "synthetic-other.c"
