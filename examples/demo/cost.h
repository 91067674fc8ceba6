/* SPDX-License-Identifier: MIT */
/* What one call costs, in one run: the last table of the demo. */
#ifndef DEMO_COST_H
#define DEMO_COST_H

void cost_print(void);

#endif
