/* SPDX-License-Identifier: MIT */
/* A patch that is being made; steps of rp_patch_make(). */
#ifndef REPOINT_PATCH_PATCH_INTERNAL_H
#define REPOINT_PATCH_PATCH_INTERNAL_H

#include "patch.h"
#include "unit.h"

#include "../payload/builder.h"
#include "../payload/payload.h"

/* struct rp_pick - where an atom is in the payload. */
struct rp_pick {
	bool picked;
	uint32_t section;	/* numbers of the builder */
	uint32_t symbol;
};

/* struct rp_bound - something outside the payload that it refers to. */
struct rp_bound {
	struct rp_payload_binding_in in;
	uint8_t type;		/* STT_* */
	char *label;		/* its symbol in the payload */
	char *owned;		/* @in.version, if it is to be freed */
	uint32_t symbol;	/* number of the builder */
};

/* struct rp_node - an atom of the new version of a unit. */
struct rp_node {
	uint32_t unit;
	uint32_t atom;
};

/* struct rp_earlier - a payload that is applied already. */
struct rp_earlier {
	const char *path;
	void *image;
	size_t size;
	struct rp_payload payload;
	bool opened;
	bool used;
	uint32_t number;	/* of the builder */
};

struct rp_patch {
	const struct rp_patch_options *options;
	struct rp_patch_report *report;
	struct rp_diag *diag;
	const char *culprit;
	struct rp_binary *binary;
	struct rp_unit *units;
	size_t nunits;
	struct rp_pick **picks;		/* for each unit, each new atom */
	struct rp_node *queue;		/* what was picked, in order */
	size_t nqueue, queue_room, handled;
	struct rp_bound *bound;
	size_t nbound, bound_room;
	struct rp_earlier *earlier;
	size_t nearlier;
	struct rp_globals *globals;	/* what units define, by name */
	struct rp_gone *gone;		/* what units do not have any more */
	struct rp_payload_builder *builder;
};

/* struct rp_target - what a reference of the payload refers to. */
struct rp_target {
	bool in_payload;
	struct rp_node node;	/* in_payload */
	uint32_t bound;		/* index in rp_patch.bound */
	int64_t shift;		/* to add to the addend: code in the binary may be
				   laid out otherwise */
};

/*
 * All that return int: 0, or a negative errno value with @diag set. Refusals are
 * not failures: they are put on record, and the work goes on to find more.
 */

/* findings.c */
int rp_patch_find(struct rp_patch *p, enum rp_finding_kind kind,
		  const char *file, enum rp_diag_id id, const char *where,
		  const char *fmt, ...) __attribute__((format(printf, 6, 7)));
#define rp_patch_refuse(p, file, id, ...)	\
	rp_patch_find(p, RP_FINDING_REFUSAL, file, id, __VA_ARGS__)
int rp_patch_tell(struct rp_patch *p, const struct rp_patched *patched);
bool rp_patch_listed(const char *const *list, const char *name);

/* flavours.c */
int rp_patch_drop_flavours(struct rp_patch *p);

/* spread.c */
int rp_patch_spread(struct rp_patch *p);

/* markers.c: hooks, and changes of data that are intended */
int rp_patch_markers(struct rp_patch *p);
bool rp_patch_is_intended(const struct rp_patch *p, uint32_t unit,
			  uint32_t atom);
int rp_patch_emit_markers(struct rp_patch *p);

/* select.c */
int rp_patch_select(struct rp_patch *p);
int rp_patch_pick(struct rp_patch *p, uint32_t unit, uint32_t atom);
bool rp_patch_is_picked(const struct rp_patch *p, uint32_t unit, uint32_t atom);
/* Is a weak function of the old version not the one that the binary has? */
bool rp_patch_is_overridden(const struct rp_patch *p, const struct rp_unit *u,
			    uint32_t twin);
/* Is a changed function entered by its old address as before? */
bool rp_patch_has_detour(const struct rp_patch *p, uint32_t unit, uint32_t atom);

/* resolve.c */
int rp_patch_resolve(struct rp_patch *p, uint32_t unit, uint32_t atom,
		     const struct rp_ref *ref, struct rp_target *ret);
/* Of what several objects have a copy of (COMDAT, weak), the one to take. */
struct rp_node rp_patch_canonical(const struct rp_patch *p, uint32_t unit,
				  uint32_t atom);
/* Is data part of a function, because it holds places in it? */
bool rp_patch_holds_labels(const struct rp_unit *u, uint32_t atom);
int rp_patch_index_globals(struct rp_patch *p);
void rp_patch_free_globals(struct rp_patch *p);

/* bind.c. Return 1 if it is refused. */
int rp_patch_bind_twin(struct rp_patch *p, uint32_t unit, uint32_t twin,
		       int64_t place, struct rp_target *ret);
/* A part of a variable that the process has. */
int rp_patch_bind_part(struct rp_patch *p, uint32_t unit, uint32_t twin,
		       uint64_t offset, uint64_t size, struct rp_target *ret);
int rp_patch_bind_name(struct rp_patch *p, uint32_t unit, const char *name,
		       bool weak, bool is_call, struct rp_target *ret);
/* Is it known where the old version's atom is? */
bool rp_patch_is_found(const struct rp_unit *unit, uint32_t twin);
/* Does the binary define or import a symbol? */
bool rp_patch_has_name(const struct rp_patch *p, const char *name);

/* collected.c: tables that the linker makes of what is in one section */
bool rp_patch_is_collected(const struct rp_side *side, uint32_t atom);
int rp_patch_check_collected(struct rp_patch *p, const struct rp_unit *u,
			     uint32_t atom);

/* moved.c: from one object to another */
int rp_patch_index_gone(struct rp_patch *p);
void rp_patch_free_gone(struct rp_patch *p);
bool rp_patch_is_moved(const struct rp_patch *p, uint32_t unit, uint32_t atom);
int rp_patch_check_moved(struct rp_patch *p);

/* aliases.c: several names for one thing */
bool rp_unit_has_other_aliases(const struct rp_unit *u);
int rp_patch_check_aliases(struct rp_patch *p);
int rp_patch_check_folded(struct rp_patch *p, const struct rp_unit *u,
			  uint32_t twin);

/* refuse.c, types.c */
int rp_patch_check(struct rp_patch *p);
int rp_patch_check_types(struct rp_patch *p);

/* refuse_data.c: a variable that changed; one that is new */
int rp_patch_check_data(struct rp_patch *p, uint32_t unit, uint32_t atom);
int rp_patch_check_new_data(struct rp_patch *p, const struct rp_unit *u,
			    uint32_t atom);

/* emit.c, emit_unwind.c */
int rp_patch_emit(struct rp_patch *p, int fd);
int rp_patch_emit_unwind(struct rp_patch *p);
/* The CIE that an FDE names by the distance from its second word. */
uint32_t rp_patch_cie_of(const struct rp_side *side, uint32_t fde);
int rp_patch_target_symbol(struct rp_patch *p, const struct rp_target *target,
			   uint32_t *ret);

/* Everything of a unit's old version that is compared with the binary. */
static inline struct rp_match *rp_unit_match(const struct rp_unit *unit,
					     uint32_t old_atom)
{
	return &unit->matches.v[old_atom];
}

#endif /* REPOINT_PATCH_PATCH_INTERNAL_H */
