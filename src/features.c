// SPDX-License-Identifier: MIT
/*
 * Which features are present: of the processor, and of objects.
 *
 * Those of the processor are found out at the first question, without a lock:
 * threads that ask at once come to the same words and store them. So a signal
 * handler may ask, too. What needs a feature that is absent is taken away until
 * nothing changes any more.
 *
 * Synthetic ones are bits of the object. RP_CPU_MASK is kept as text for them,
 * because it may name those of libraries that are not loaded yet.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "feature.h"
#include "log.h"
#include "vec.h"

#define ENV_MASK	"RP_CPU_MASK"

extern char **environ;

static struct rp__cpu_features this_cpu;
static bool cpu_known;

/* ---- names ---- */

/* The next character that matters, or 0; *at goes behind it. */
static int significant(const char **at, const char *end)
{
	while (*at < end) {
		int c = (unsigned char)*(*at)++;

		if (c != '_' && c != '-' && c != '.')
			return tolower(c);
	}
	return 0;
}

static bool same_name(const char *name, const char *word, size_t len)
{
	const char *name_end = name + strlen(name), *end = word + len;
	int c;

	do {
		c = significant(&name, name_end);
		if (c != significant(&word, end))
			return false;
	} while (c);
	return true;
}

static bool entry_has_name(const struct rp__feature_entry *entry,
			   const char *word, size_t len)
{
	for (const char *n = entry->names; *n; n += strlen(n) + 1)
		if (same_name(n, word, len))
			return true;
	return false;
}

unsigned int rp__feature_by_name(const char *name, size_t len)
{
	for (unsigned int i = 0; i < rp__feature_entries_nr; i++)
		if (entry_has_name(&rp__feature_entries[i], name, len))
			return rp__feature_entries[i].feature;
	return 0;
}

const char *rp_feature_name(unsigned int feature)
{
	for (unsigned int i = 0; i < rp__feature_entries_nr; i++)
		if (rp__feature_entries[i].feature == feature)
			return rp__feature_entries[i].names;
	return NULL;
}

/* ---- RP_CPU_MASK ---- */

/* The next word that is not empty, or NULL; *at goes behind it. */
static const char *next_word(const char **at, size_t *len)
{
	const char *word;

	*at += strspn(*at, ", \t\n");
	word = *at;
	*len = strcspn(word, ", \t\n");
	*at += *len;
	return *len ? word : NULL;
}

static bool is_all(const char *word, size_t len)
{
	return same_name("all", word, len);
}

static void mask_word(uint32_t *masked, const char *word, size_t len)
{
	unsigned int feature = rp__feature_by_name(word, len);

	if (is_all(word, len))
		memset(masked, 0xff, RP__FEATURE_WORDS * sizeof(*masked));
	else if (feature)
		rp__feature_set(masked, feature);
	rp__feature_clear(masked, RP_FEATURE_ALWAYS);
}

/* Does the mask name a synthetic feature? */
static bool mask_has(const char *mask, const char *name)
{
	const char *word;
	size_t len;

	while (mask && (word = next_word(&mask, &len)) != NULL)
		if (is_all(word, len) || same_name(name, word, len))
			return true;
	return false;
}

/*
 * A copy of the variable as it was at first, because programs may change it
 * later, under another thread's eyes. No memory: nothing is masked.
 */
static const char *mask_text(void)
{
	static const char *text;
	const char *old = __atomic_load_n(&text, __ATOMIC_ACQUIRE), *value;
	size_t size;
	char *copy;

	if (old || !environ)
		return old ? old : "";
	value = rp__getenv(ENV_MASK);
	size = value ? strlen(value) + 1 : 0;
	copy = size > 1 ? rp__map(size) : NULL;
	if (copy)
		memcpy(copy, value, size);
	if (__atomic_compare_exchange_n(&text, &old, copy ? copy : "", false,
					__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return copy ? copy : "";
	if (copy)
		rp__unmap(copy, size);
	return old;
}

/* ---- the processor ---- */

static bool take_needy(uint32_t *words)
{
	bool changed = false;

	for (unsigned int i = 0; i < rp__feature_needs_nr; i++) {
		const struct rp__feature_need *n = &rp__feature_needs[i];

		if (rp__feature_test(words, n->feature) &&
		    !rp__feature_test(words, n->needs)) {
			rp__feature_clear(words, n->feature);
			changed = true;
		}
	}
	return changed;
}

void rp__features_resolve(struct rp__cpu_features *cpu, const char *mask)
{
	const char *word;
	size_t len;

	memset(cpu->masked, 0, sizeof(cpu->masked));
	memset(cpu->present, 0, sizeof(cpu->present));
	while (mask && (word = next_word(&mask, &len)) != NULL)
		mask_word(cpu->masked, word, len);
	for (unsigned int i = 0; i < rp__feature_entries_nr; i++) {
		unsigned int feature = rp__feature_entries[i].feature;

		if (rp__feature_test(cpu->facts.usable, feature) &&
		    !rp__feature_test(cpu->masked, feature))
			rp__feature_set(cpu->present, feature);
	}
	while (take_needy(cpu->present))
		;
}

/*
 * Word by word: whoever comes second stores what is there already. It holds
 * from now on, unless libc has no environment yet (.preinit_array), where one
 * thread runs.
 */
static void publish(const struct rp__cpu_features *cpu)
{
	const uint32_t *from = (const uint32_t *)cpu;
	uint32_t *to = (uint32_t *)&this_cpu;

	for (size_t i = 0; i < sizeof(*cpu) / sizeof(*from); i++)
		__atomic_store_n(&to[i], from[i], __ATOMIC_RELAXED);
	__atomic_store_n(&cpu_known, environ != NULL, __ATOMIC_RELEASE);
}

static void look(void)
{
	struct rp__cpu_features cpu = { .masked = { 0 } };

	rp__arch_cpu_facts(&cpu.facts);
	rp__features_resolve(&cpu, mask_text());
	publish(&cpu);
}

static const struct rp__cpu_features *get_cpu(void)
{
	/* Pairs with the release in publish(). */
	if (!__atomic_load_n(&cpu_known, __ATOMIC_ACQUIRE))
		look();
	return &this_cpu;
}

/* ---- objects ---- */

/* Older headers made descriptors without features. */
static bool object_has_features(const struct rp_object *object)
{
	return object && object->version == RP_ABI_VERSION &&
	       object->size >= offsetof(struct rp_object, reserved);
}

static bool is_record(const struct rp_feature *record)
{
	return rp__feature_is_synthetic(record->feature) && record->name &&
	       *record->name;
}

static const struct rp_feature *find_record(const struct rp_object *object,
					    unsigned int feature)
{
	const struct rp_feature *record = object->features;

	for (; record < object->features_end; record++)
		if (record->feature == feature && is_record(record))
			return record;
	return NULL;
}

static bool is_masked(const struct rp_object *object, unsigned int feature)
{
	const char *mask = mask_text();
	const struct rp_feature *record;

	if (!*mask)
		return false;
	record = find_record(object, feature);
	return mask_has(mask, record ? record->name : "all");
}

static void set_bit(struct rp_object *object, unsigned int feature, bool on)
{
	uint64_t bit = UINT64_C(1) << (feature - RP_FEATURE_SYNTHETIC(0));

	if (on && !is_masked(object, feature))
		__atomic_fetch_or(&object->synthetic, bit, __ATOMIC_SEQ_CST);
	else
		__atomic_fetch_and(&object->synthetic, ~bit, __ATOMIC_SEQ_CST);
}

static bool bit_is_set(const struct rp_object *object, unsigned int feature)
{
	return object_has_features(object) &&
	       __atomic_load_n(&object->synthetic, __ATOMIC_SEQ_CST) >>
		       (feature - RP_FEATURE_SYNTHETIC(0)) & 1;
}

bool rp__feature_present(const struct rp_object *object, unsigned int feature)
{
	if (feature >= RP_FEATURE_NR)
		return false;
	if (rp__feature_is_synthetic(feature))
		return bit_is_set(object, feature);
	return rp__feature_test(get_cpu()->present, feature);
}

int rp_object_has_feature(struct rp_object *object, unsigned int feature)
{
	return rp__feature_present(object, feature);
}

int rp_object_set_feature(struct rp_object *object, unsigned int feature,
			  int present)
{
	if (!rp__feature_is_synthetic(feature) || !object_has_features(object))
		return -EINVAL;
	set_bit(object, feature, present != 0);
	return 0;
}

/* ---- detectors ---- */

/* Two names for one number, or one name twice: headers, included often. */
static bool is_first(const struct rp_object *object,
		     const struct rp_feature *record)
{
	const struct rp_feature *first = find_record(object, record->feature);

	if (first == record)
		return true;
	if (strcmp(first->name, record->name))
		rp__log(RP_LOG_WARN, "cpu",
			"\"%s\" and \"%s\" are the same synthetic feature %u of an object: the latter is ignored; give it a number of its own",
			first->name, record->name,
			record->feature - RP_FEATURE_SYNTHETIC(0));
	return false;
}

static void detect(struct rp_object *object, const struct rp_feature *record)
{
	if (!is_record(record)) {
		rp__log(RP_LOG_WARN, "cpu",
			"record %p: feature %u is not synthetic, or has no name: ignored; use RP_DEFINE_FEATURE()",
			(const void *)record, record->feature);
		return;
	}
	if (!is_first(object, record) || !record->detect)
		return;
	/* What is masked need not be looked for. */
	set_bit(object, record->feature,
		!is_masked(object, record->feature) && record->detect());
}

static bool word_is_known(const struct rp_object *object, const char *word,
			  size_t len)
{
	const struct rp_feature *record = object->features;
	unsigned int feature = rp__feature_by_name(word, len);

	if (is_all(word, len) || (feature && feature != RP_FEATURE_ALWAYS))
		return true;
	for (; record < object->features_end; record++)
		if (is_record(record) && same_name(record->name, word, len))
			return true;
	return false;
}

/* librepoint.so, which comes first and has nothing that the user named. */
static bool is_librepoint(const struct rp_object *object)
{
	return object == &rp__object &&
	       object->features == object->features_end &&
	       object->alternatives == object->alternatives_end;
}

static void warn_of_unknown(const struct rp_object *object)
{
	const char *mask = mask_text(), *word, *unknown = NULL;
	static bool warned;
	size_t len, unknown_len = 0, nr = 0;

	if (is_librepoint(object) ||
	    __atomic_exchange_n(&warned, true, __ATOMIC_SEQ_CST))
		return;
	while ((word = next_word(&mask, &len)) != NULL) {
		if (word_is_known(object, word, len))
			continue;
		if (!nr++) {
			unknown = word;
			unknown_len = len;
		}
	}
	if (nr)
		rp__log(RP_LOG_WARN, "cpu",
			ENV_MASK ": \"%.*s\" (the first of %zu) is the name of no processor feature, nor of a synthetic one so far; docs/features.md has the list",
			(int)(unknown_len < 60 ? unknown_len : 60), unknown,
			nr);
}

bool rp__features_detect(struct rp_object *object)
{
	const struct rp_feature *record;
	uint32_t flags;

	if (!object_has_features(object))
		return true;
	flags = __atomic_fetch_or(&object->flags, RP__OBJECT_DETECTING,
				  __ATOMIC_SEQ_CST);
	if (flags & RP__OBJECT_DETECTING)
		return flags & RP__OBJECT_DETECTED;
	get_cpu();
	warn_of_unknown(object);
	for (record = object->features; record < object->features_end; record++)
		detect(object, record);
	__atomic_fetch_or(&object->flags, RP__OBJECT_DETECTED,
			  __ATOMIC_SEQ_CST);
	return true;
}

/* ---- messages ---- */

const char *rp__feature_name(const struct rp_object *object,
			     unsigned int feature)
{
	const struct rp_feature *record = NULL;
	const char *name = rp_feature_name(feature);

	if (name)
		return name;
	if (!rp__feature_is_synthetic(feature))
		return "no feature";
	if (object_has_features(object))
		record = find_record(object, feature);
	return record ? record->name : "synthetic";
}

static enum rp__feature_why why_synthetic(const struct rp_object *object,
					  unsigned int feature)
{
	if (bit_is_set(object, feature))
		return RP__FEATURE_PRESENT;
	return object_has_features(object) && is_masked(object, feature) ?
		RP__FEATURE_MASKED : RP__FEATURE_NOT_SET;
}

/* Of the features that @feature needs, one that is absent; 0 if none is. */
static unsigned int missing_need(const struct rp__cpu_features *cpu,
				 unsigned int feature)
{
	for (unsigned int i = 0; i < rp__feature_needs_nr; i++)
		if (rp__feature_needs[i].feature == feature &&
		    !rp__feature_test(cpu->present, rp__feature_needs[i].needs))
			return rp__feature_needs[i].needs;
	return 0;
}

enum rp__feature_why rp__features_why(const struct rp__cpu_features *cpu,
				      unsigned int feature,
				      unsigned int *culprit)
{
	unsigned int need;

	if (culprit)
		*culprit = feature;
	if (!rp_feature_name(feature))
		return RP__FEATURE_NO_FEATURE;
	if (rp__feature_test(cpu->present, feature))
		return RP__FEATURE_PRESENT;
	if (!rp__feature_test(cpu->facts.has, feature))
		return RP__FEATURE_NOT_IN_CPUID;
	if (rp__feature_test(cpu->masked, feature))
		return RP__FEATURE_MASKED;
	need = missing_need(cpu, feature);
	if (need)
		return rp__features_why(cpu, need, culprit);
	return RP__FEATURE_NO_STATE;
}

enum rp__feature_why rp__feature_why(const struct rp_object *object,
				     unsigned int feature,
				     unsigned int *culprit)
{
	if (!rp__feature_is_synthetic(feature))
		return rp__features_why(get_cpu(), feature, culprit);
	if (culprit)
		*culprit = feature;
	return why_synthetic(object, feature);
}

const char *rp__feature_why_name(enum rp__feature_why why)
{
	static const char *const names[] = {
		[RP__FEATURE_PRESENT] = "present",
		[RP__FEATURE_NOT_IN_CPUID] = "not in CPUID",
		[RP__FEATURE_NO_STATE] = "not enabled by the system",
		[RP__FEATURE_MASKED] = "masked by RP_CPU_MASK",
		[RP__FEATURE_NOT_SET] = "not set",
		[RP__FEATURE_NO_FEATURE] = "no feature of that number",
	};

	return why < RP__FEATURE_WHY_NR ? names[why] : "unknown";
}
