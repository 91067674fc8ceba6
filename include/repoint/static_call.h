/* SPDX-License-Identifier: MIT */
/*
 * Static calls: function pointers at the cost of direct calls.
 *
 * Overview
 * --------
 *   RP_DECLARE_STATIC_CALL(name, func);
 *   RP_DEFINE_STATIC_CALL(name, func);
 *   RP_DEFINE_STATIC_CALL_NULL(name, func_or_type);
 *   RP_DEFINE_STATIC_CALL_RET0(name, func_or_type);
 *   RP_EXPORT_STATIC_CALL(name);
 *   RP_EXPORT_STATIC_CALL_TRAMP(name);
 *
 *   rp_static_call(name)(args...);
 *   rp_static_call_cond(name)(args...);
 *   int rp_static_call_update(name, func);
 *   func *rp_static_call_query(name);
 *   RP_STATIC_CALL_RET0(func)
 *
 * Example
 * -------
 *   static int add(int a, int b) { return a + b; }
 *   static int sub(int a, int b) { return a - b; }
 *
 *   RP_DEFINE_STATIC_CALL(op, add);
 *
 *   int compute(void) { return rp_static_call(op)(5, 3); }     // call add
 *   int flip(void)    { return rp_static_call_update(op, sub); } // call sub
 *
 * How it works
 * ------------
 * The macro defines a key (what is called now) and a trampoline, a function
 * that jumps there. rp_static_call(op)(5, 3) is an ordinary direct call of the
 * trampoline, in any language mode and at any optimisation level:
 *
 *   call rp_tramp__op          rp_tramp__op:  jmp *key(%rip)    at build
 *   call rp_tramp__op          rp_tramp__op:  jmp add           out of line
 *   call add                                                    inline
 *
 * Three implementations, one behaviour:
 *   generic      a load and an indirect call. Any architecture; RP_GENERIC.
 *   out of line  the trampoline is patched. Needs no tool.
 *   inline       the call itself is patched. Needs the table of call sites:
 *                compile with `repoint cc`, or run `repoint object annotate`
 *                on the objects, or link with -Wl,--emit-relocs.
 *
 * What an instruction becomes, for each state of the key:
 *
 *   site                 function       NULL          RET0
 *   call rel32           call func      nopl          cs cs cs xor %eax,%eax
 *   jmp rel32 (tail)     jmp func       ret           jmp to a return of 0
 *   jcc rel32 (tail)     jcc func       jcc to a ret  jcc to a return of 0
 *   call *GOT (6 bytes)  call func      nopw          cs cs cs cs xor
 *   jmp *GOT (6 bytes)   jmp func       ret           jmp to a return of 0
 *   trampoline           jmp func       ret           jmp to a return of 0
 *
 * A function out of reach of 32 bits is reached through an island near the
 * object; a six-byte site becomes `call *slot(%rip)` instead.
 *
 * Rules and pitfalls
 * ------------------
 * - A call whose key is NULL evaluates its arguments and does nothing. Its
 *   value is undefined; use RET0, or rp_static_call_cond() which has none.
 * - RET0 returns 0 in the integer return register: integers, pointers, bool.
 *   Not floating point, not structs in memory.
 * - An update is seen by calls that start after it returned. A thread may
 *   still be in the old function: before freeing it (dlclose), wait for such
 *   threads in your own way.
 * - Function and data are not switched together: a thread may call the new
 *   function with data that it read before the update.
 * - Updates take a lock and may sleep: never from a signal handler. Calls are
 *   as safe in signal handlers as the function that they reach.
 * - A site whose displacement straddles an aligned block (see text_poke.h)
 *   stays out of line; the compiler flags that avoid it are those of
 *   `repoint cc`.
 * - An update before constructors ran, from a constructor, or in a child after
 *   fork works as any other.
 *
 * Cost
 * ----
 * Inline: that of a direct call. Out of line: one more jump. An update: one
 * pass over the sites and one synchronisation; docs/benchmarks.md.
 */
#ifndef REPOINT_STATIC_CALL_H
#define REPOINT_STATIC_CALL_H

#include <repoint/arch.h>
#include <repoint/error.h>
#include <repoint/object.h>

RP__BEGIN_DECLS

/**
 * rp_static_call_return0() - what a RET0 static call calls.
 *
 * Pass RP_STATIC_CALL_RET0(func), which has the right type, to updates.
 *
 * Return: 0. Async-signal-safe.
 */
RP_API long rp_static_call_return0(void);

/** rp_static_call_nop() - what a NULL static call calls through memory. */
RP_API void rp_static_call_nop(void);

/**
 * rp_static_call_key_update() - the function behind rp_static_call_update().
 * @key:  the key
 * @func: the function, or NULL; its type is the caller's responsibility
 *
 * Return: 0; -EINVAL if @key is NULL or no static call key; -EPERM, -EILSEQ,
 * -EBUSY, -ENOMEM, -EPROTONOSUPPORT as in <repoint/error.h>, and nothing
 * changed.
 *
 * Thread safe; not async-signal-safe.
 */
RP_API int rp_static_call_key_update(struct rp_static_call_key *key,
				     void *func);

RP__END_DECLS

#define RP__STATIC_CALL_KEY_INIT(name, func_, target_, tramp_)		\
	{ func_, target_, tramp_, &rp__object, NULL,			\
	  RP_STATIC_CALL_KEY_MAGIC, 0 }

#if RP__HAVE_TRAMPOLINE
# define RP__STATIC_CALL_KEY(name)					\
	RP__GOT_ADDRESS(struct rp_static_call_key *, RP_KEY_PREFIX #name)
# define RP__TRAMP_ADDRESS(name)	((void *)&rp_tramp__##name)
#else
# define RP__DEFINE_TRAMP(name)		struct rp_static_call_key
# define RP__EXPORT(symbol)		struct rp_static_call_key
# define RP__STATIC_CALL_KEY(name)	(&rp_key__##name)
# define RP__TRAMP_ADDRESS(name)	NULL
#endif

/*
 * RP_STATIC_CALL_HIDDEN, defined by the user before including this, promises
 * that all static calls of the file belong to its own object and are not
 * exported. clang needs it to align calls in -fPIC and -fPIE code: it does not
 * align calls through @PLT, which is what it makes of calls of visible symbols.
 */
#ifdef RP_STATIC_CALL_HIDDEN
# define RP__TRAMP_VISIBILITY	RP__HIDDEN
#else
# define RP__TRAMP_VISIBILITY
#endif

#define RP__DEFINE_STATIC_CALL(name, type, func_, target_)		\
	RP_DECLARE_STATIC_CALL(name, type);				\
	RP__DEFINE_TRAMP(name);						\
	RP__EXTERN_C RP__HIDDEN						\
	struct rp_static_call_key rp_keyobj__##name;			\
	RP__ASM_VISIBLE struct rp_static_call_key rp_keyobj__##name =	\
		RP__STATIC_CALL_KEY_INIT(name, func_, target_,		\
					 RP__TRAMP_ADDRESS(name));	\
	RP__EXTERN_C RP__ALIAS_VISIBLE struct rp_static_call_key	\
	rp_key__##name __attribute__((alias("rp_keyobj__" #name),	\
				      visibility("default")))

/**
 * RP_DECLARE_STATIC_CALL() - declare a static call that is defined elsewhere,
 * in this object or exported by another.
 * @name: a C identifier, unique in the object
 * @func: a function of the type that is called, or that function type
 */
#define RP_DECLARE_STATIC_CALL(name, func)				\
	RP__EXTERN_C RP__TRAMP_VISIBILITY				\
	__typeof__(func) rp_tramp__##name;				\
	RP__EXTERN_C struct rp_static_call_key rp_key__##name

/**
 * RP_DEFINE_STATIC_CALL() - define a static call. At file scope, once.
 * @name: a C identifier, unique in the object
 * @func: the function that is called until an update; may be static
 */
#define RP_DEFINE_STATIC_CALL(name, func)				\
	RP__DEFINE_STATIC_CALL(name, func, (void *)(func), (void *)(func))

/**
 * RP_DEFINE_STATIC_CALL_NULL() - define a static call that does nothing yet.
 * @name: a C identifier, unique in the object
 * @func_or_type: a function of the type that is called, or that function type
 */
#define RP_DEFINE_STATIC_CALL_NULL(name, func_or_type)			\
	RP__DEFINE_STATIC_CALL(name, func_or_type, NULL,		\
			       (void *)rp_static_call_nop)

/**
 * RP_DEFINE_STATIC_CALL_RET0() - define a static call that returns 0 yet.
 * @name: a C identifier, unique in the object
 * @func_or_type: a function of the type that is called, or that function type
 */
#define RP_DEFINE_STATIC_CALL_RET0(name, func_or_type)			\
	RP__DEFINE_STATIC_CALL(name, func_or_type,			\
			       (void *)rp_static_call_return0,		\
			       (void *)rp_static_call_return0)

/**
 * RP_EXPORT_STATIC_CALL() - let other shared objects call and update.
 * @name: a static call defined above in this file
 *
 * Without it the symbols are hidden: using them elsewhere is a link error.
 */
#define RP_EXPORT_STATIC_CALL(name)					\
	RP__EXPORT(RP_TRAMP_PREFIX #name);				\
	RP__EXPORT(RP_KEY_PREFIX #name)

/**
 * RP_EXPORT_STATIC_CALL_TRAMP() - let other shared objects call, not update.
 * @name: a static call defined above in this file
 *
 * rp_static_call_update() and rp_static_call_query() elsewhere are link errors.
 */
#define RP_EXPORT_STATIC_CALL_TRAMP(name)				\
	RP__EXPORT(RP_TRAMP_PREFIX #name)

/**
 * rp_static_call() - the function to call: rp_static_call(name)(args...).
 * @name: a declared or defined static call
 */
#if RP__HAVE_TRAMPOLINE && !defined(RP_GENERIC)
# define rp_static_call(name)	(rp_tramp__##name)
#else
# define rp_static_call(name)						\
	(*(__typeof__(rp_tramp__##name) *)				\
	 __atomic_load_n(&RP__STATIC_CALL_KEY(name)->target,		\
			 __ATOMIC_RELAXED))
#endif

/**
 * rp_static_call_cond() - rp_static_call() for keys that may be NULL: the
 * value, undefined in that case, is dropped.
 * @name: a declared or defined static call
 */
#define rp_static_call_cond(name)	(void)rp_static_call(name)

/* C++ refuses the initialisation below; C would only warn. */
#ifdef __cplusplus
# define RP__STATIC_CALL_CHECK(name, func)
#else
# define RP__STATIC_CALL_CHECK(name, func)				\
	_Static_assert(_Generic((func),					\
			__typeof__(rp_tramp__##name) *: 1,		\
			void *: 1, default: 0),				\
		"static call " #name ": function of another type");
#endif

/* The checked address of @func, for the two ways to update. */
#define RP__STATIC_CALL_FUNC(name, func)				\
	__extension__ ({						\
		RP__STATIC_CALL_CHECK(name, func)			\
		__typeof__(rp_tramp__##name) *rp__func = (func);	\
		(void *)rp__func;					\
	})

/**
 * rp_static_call_update() - set the function that is called from now on.
 * @name: a declared or defined static call
 * @func: a function of its type (another type does not compile), NULL, or
 *        RP_STATIC_CALL_RET0(function of its type)
 *
 * Return: as rp_static_call_key_update(). Thread safe; not async-signal-safe.
 */
#define rp_static_call_update(name, func)				\
	rp_static_call_key_update(RP__STATIC_CALL_KEY(name),		\
				  RP__STATIC_CALL_FUNC(name, func))

/**
 * rp_static_call_query() - the function set last, NULL if none.
 * @name: a declared or defined static call
 *
 * Async-signal-safe.
 */
#define rp_static_call_query(name)					\
	((__typeof__(rp_tramp__##name) *)				\
	 __atomic_load_n(&RP__STATIC_CALL_KEY(name)->func, __ATOMIC_ACQUIRE))

/**
 * RP_STATIC_CALL_RET0() - the return-0 function, typed like @func.
 * @func: a function or a function type
 */
#define RP_STATIC_CALL_RET0(func)					\
	((__typeof__(func) *)(void *)rp_static_call_return0)

#endif /* REPOINT_STATIC_CALL_H */
