/* SPDX-License-Identifier: MIT */
/*
 * Registration of an executable's or shared object's site tables.
 *
 * Included by the headers of each capability; there is nothing to call. Each
 * translation unit that includes one of them carries a constructor of the
 * highest priority that programs may use (101); the first one of an object
 * that runs registers the object's tables, the others find that done.
 * Destructors take the tables out again (dlclose).
 */
#ifndef REPOINT_OBJECT_H
#define REPOINT_OBJECT_H

#include <repoint/abi.h>

RP__BEGIN_DECLS

/**
 * rp_object_register() - make the sites of an object known and bring them to
 * the present state of their keys; before that, ask its synthetic features'
 * detectors and apply its alternatives.
 * @object: the object's descriptor
 *
 * Idempotent. Called by constructors, and by updates of a key whose object's
 * constructors have not run yet.
 *
 * Return: 0; -EDEADLK from a detector of one of its synthetic features, or while
 * another thread runs them; -EPROTONOSUPPORT if the object was built for another version of
 * the tables; -ENOMEM; else the object is registered and 0 is returned even
 * where text cannot be patched: its calls then go through memory.
 *
 * Thread safe; not async-signal-safe.
 */
RP_API int rp_object_register(struct rp_object *object);

/**
 * rp_object_unregister() - forget an object that is about to be unloaded.
 * @object: the object's descriptor
 *
 * Its sites are taken off their keys' lists, the sites that others have of its
 * keys are forgotten, its islands are freed. Thread safe; waits for a batch
 * under way; not async-signal-safe.
 */
RP_API void rp_object_unregister(struct rp_object *object);

/* The bounds of a table, both NULL if the object has none. */
#define RP__TABLE(type, section)					\
	extern const type __start_##section[]				\
		__attribute__((weak, visibility("hidden")));		\
	extern const type __stop_##section[]				\
		__attribute__((weak, visibility("hidden")))

RP__TABLE(struct rp_static_call_site, rp_static_call_sites);
RP__TABLE(struct rp_static_key_site, rp_static_key_sites);
RP__TABLE(int32_t, rp_static_call_keys);
RP__TABLE(struct rp_alternative, rp_alternatives);
RP__TABLE(struct rp_ops_table, rp_ops_tables);
RP__TABLE(struct rp_op_site, rp_op_sites);
RP__TABLE(struct rp_op_member, rp_op_members);
RP__TABLE(struct rp_patchlet, rp_patchlets);
RP__TABLE(struct rp_op_patchlet, rp_op_patchlets);
RP__TABLE(struct rp_feature, rp_features);

#undef RP__TABLE

extern struct rp_object rp__object
	__attribute__((weak, visibility("hidden")));
struct rp_object rp__object = {
	RP_ABI_VERSION, sizeof(struct rp_object),
	__start_rp_static_call_sites, __stop_rp_static_call_sites,
	__start_rp_static_key_sites, __stop_rp_static_key_sites,
	__start_rp_static_call_keys, __stop_rp_static_call_keys,
	NULL,
	__start_rp_alternatives, __stop_rp_alternatives,
	__start_rp_ops_tables, __stop_rp_ops_tables,
	__start_rp_op_sites, __stop_rp_op_sites,
	__start_rp_op_members, __stop_rp_op_members,
	__start_rp_patchlets, __stop_rp_patchlets,
	__start_rp_op_patchlets, __stop_rp_op_patchlets,
	__start_rp_features, __stop_rp_features,
	0, 0, 0, NULL, NULL
};

__attribute__((constructor(101), used)) static void rp__object_init(void)
{
	rp_object_register(&rp__object);
}

__attribute__((destructor(101), used)) static void rp__object_exit(void)
{
	rp_object_unregister(&rp__object);
}

RP__END_DECLS

#endif /* REPOINT_OBJECT_H */
