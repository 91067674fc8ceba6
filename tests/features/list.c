// SPDX-License-Identifier: MIT
/* Each feature that has a name: "name 1" if it is present, "name 0" if not. */
#include <stdio.h>

#include <repoint/cpu.h>

int main(void)
{
	for (unsigned int i = 0; i < RP_FEATURE_NR; i++) {
		const char *name = rp_feature_name(i);

		if (name)
			printf("%s %d\n", name, rp_cpu_has(i));
	}
	return 0;
}
