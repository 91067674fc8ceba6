/* SPDX-License-Identifier: MIT */
/*
 * Features of the processor and of objects, for the registry. (Not features.h:
 * libc has one, and tests have this directory in their search path.)
 */
#ifndef RP_SRC_FEATURE_H
#define RP_SRC_FEATURE_H

#include <stdbool.h>
#include <stdint.h>

#include <repoint/cpu.h>

#define RP__FEATURE_WORDS	(RP_FEATURE_NR / 32)

/* Bits of struct rp_object's @flags. */
#define RP__OBJECT_DETECTING	0x1u	/* detectors run, or have run */
#define RP__OBJECT_DETECTED	0x4u	/* all of them have */

/*
 * struct rp__feature_entry - a feature that has names.
 * @names: each with a NUL, an empty one last; the first one is the name
 */
struct rp__feature_entry {
	uint16_t feature;
	const char *names;
};

/* struct rp__feature_need - without @needs there is no @feature. */
struct rp__feature_need {
	uint16_t feature;
	uint16_t needs;
};

extern const struct rp__feature_entry rp__feature_entries[];
extern const unsigned int rp__feature_entries_nr;
extern const struct rp__feature_need rp__feature_needs[];
extern const unsigned int rp__feature_needs_nr;

/*
 * struct rp__cpu_facts - what an architecture knows of this processor.
 * @has:    bits of CPUID, and what follows from them
 * @usable: those of @has whose registers the system saves, or that it enabled
 */
struct rp__cpu_facts {
	uint32_t has[RP__FEATURE_WORDS];
	uint32_t usable[RP__FEATURE_WORDS];
};

/* In src/arch/ARCH/cpuid.c. @ret is zeroed. Async-signal-safe. */
void rp__arch_cpu_facts(struct rp__cpu_facts *ret);

/*
 * struct rp__cpu_features - from facts and a mask to what is present.
 * @masked:  taken away by name
 * @present: all said and done
 */
struct rp__cpu_features {
	struct rp__cpu_facts facts;
	uint32_t masked[RP__FEATURE_WORDS];
	uint32_t present[RP__FEATURE_WORDS];
};

/*
 * Fill in @masked and @present of @cpu from @facts and from @mask, which is
 * RP_CPU_MASK or NULL. Pure.
 */
void rp__features_resolve(struct rp__cpu_features *cpu, const char *mask);

/* The feature of that name, of @len bytes; 0 if there is none. */
unsigned int rp__feature_by_name(const char *name, size_t len);

/*
 * Run the detectors of an object, once. Returns false while they run: for a
 * detector that comes here, and for other threads. They are code of the user:
 * the text lock must not be held. Warns of what RP_CPU_MASK misspells, once a process.
 */
bool rp__features_detect(struct rp_object *object);

bool rp__feature_present(const struct rp_object *object, unsigned int feature);

/* For messages; never NULL. Synthetic ones by their record. */
const char *rp__feature_name(const struct rp_object *object,
			     unsigned int feature);

/* enum rp__feature_why - why a feature is present or absent. */
enum rp__feature_why {
	RP__FEATURE_PRESENT,
	RP__FEATURE_NOT_IN_CPUID,
	RP__FEATURE_NO_STATE,
	RP__FEATURE_MASKED,
	RP__FEATURE_NOT_SET,
	RP__FEATURE_NO_FEATURE,
	RP__FEATURE_WHY_NR
};

/*
 * Where a feature that it builds upon is missing, the reason is that of the
 * latter, and @culprit, which may be NULL, becomes that one; else @feature.
 */
enum rp__feature_why rp__feature_why(const struct rp_object *object,
				     unsigned int feature,
				     unsigned int *culprit);
/* The same, of a processor that is not this one. Not for synthetic ones. */
enum rp__feature_why rp__features_why(const struct rp__cpu_features *cpu,
				      unsigned int feature,
				      unsigned int *culprit);

/* "not in CPUID", and so on. */
const char *rp__feature_why_name(enum rp__feature_why why);

static inline bool rp__feature_test(const uint32_t *words, unsigned int feature)
{
	return words[feature / 32] >> feature % 32 & 1;
}

static inline void rp__feature_set(uint32_t *words, unsigned int feature)
{
	words[feature / 32] |= UINT32_C(1) << feature % 32;
}

static inline void rp__feature_clear(uint32_t *words, unsigned int feature)
{
	words[feature / 32] &= ~(UINT32_C(1) << feature % 32);
}

static inline bool rp__feature_is_synthetic(unsigned int feature)
{
	return feature - RP_FEATURE_SYNTHETIC(0) < RP_FEATURE_SYNTHETIC_NR;
}

#endif
