/* SPDX-License-Identifier: MIT */
/*
 * BAD(name, code, errno, why): tables of records that are to be refused. For
 * tables.S, which has them, and for hostile.c.
 */
#define TABLES								\
	BAD(feature_range, EINVAL, "feature is out of range")		\
	BAD(feature_last, EINVAL, "feature is out of range")		\
	BAD(flags, EINVAL, "flags of another version")			\
	BAD(longer, EINVAL, "longer than the site")			\
	BAD(site_data, EINVAL, "site is outside the text")		\
	BAD(site_end, EINVAL, "site is outside the text")		\
	BAD(new_data, EINVAL, "replacement is outside the text")	\
	BAD(new_end, EINVAL, "replacement is outside the text")		\
	BAD(overlap, EINVAL, "overlaps")				\
	BAD(overlap_apart, EINVAL, "overlaps")				\
	BAD(inner_last, EINVAL, "overlaps")				\
	BAD(into_own_middle, EINVAL, "into the middle")			\
	BAD(into_old_middle, EINVAL, "into the middle")			\
	BAD(truncated, EILSEQ, "is no instruction")			\
	BAD(no_instruction, EILSEQ, "is no instruction")		\
	BAD(no_reach, ERANGE, "does not reach")				\
	BAD(no_reach_operand, ERANGE, "does not reach")			\
	BAD(too_many, EINVAL, "too many")				\
	BAD(size, EINVAL, "another version")
