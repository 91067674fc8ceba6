/* SPDX-License-Identifier: MIT */
/* Comes before what the target was linked with. */
int preloaded(void);
int preloaded(void) { return 2; }
