// SPDX-License-Identifier: MIT
/* A site of each kind that RP_LOG=alternative tells apart, by its length. */
#include <stdio.h>

#include <repoint/alternative.h>

#define FEATURE	RP_FEATURE_SYNTHETIC(5)
#define UNNAMED	RP_FEATURE_SYNTHETIC(6)

static int detect(void)
{
	return 1;
}

RP_DEFINE_FEATURE(FEATURE, "log-feature", detect);

/* Old code of so many bytes. */
#define OLD(n)	".skip " #n ", 0xfc\n\t"

int main(int argc, char **argv)
{
	(void)argv;
	rp_alternative(OLD(101), "cld", RP_FEATURE_ALWAYS);
	rp_alternative(OLD(102), "cld", RP_NOT(RP_FEATURE_ALWAYS));
	rp_alternative_2(OLD(103), "cld", RP_FEATURE_ALWAYS,
			 "std; cld", RP_NOT(RP_FEATURE_SERIALIZE));
	rp_alternative(OLD(104), "cld", RP_FEATURE_SSE4_2);
	rp_alternative(OLD(105), "cld", RP_NOT(RP_FEATURE_SSE4_2));
	rp_alternative(OLD(106), "cld", RP_FEATURE_SSE4_1);
	rp_alternative(OLD(107), "cld", FEATURE);
	rp_alternative(OLD(108), "cld", UNNAMED);
	rp_alternative(OLD(109), "cld", RP_FEATURE(19, 0));
	rp_alternative(RP_ALTERNATIVE(OLD(10), "cld", RP_FEATURE_ALWAYS)
		       OLD(100), "cld", FEATURE);
	rp_alternative(OLD(111), "cld", RP_FEATURE_SERIALIZE);
	if (argc == 1)
		return 0;
	fprintf(stderr, "---\n");
	rp_cpu_set_feature(FEATURE, 0);
	rp_cpu_set_feature(UNNAMED, 1);
	return rp_alternatives_apply(NULL) != 0;
}
