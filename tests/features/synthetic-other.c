// SPDX-License-Identifier: MIT
/* Another file of the program: the same object, the same features. */
#include "synthetic.h"

int has_in_other_file(unsigned int feature)
{
	return rp_cpu_has(feature);
}
