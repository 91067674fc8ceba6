/* SPDX-License-Identifier: MIT */
/*
 * Static keys: booleans that are patched into branches.
 *
 * Overview
 * --------
 *   RP_DEFINE_STATIC_KEY_TRUE(name);    RP_DEFINE_STATIC_KEY_FALSE(name);
 *   RP_DECLARE_STATIC_KEY_TRUE(name);   RP_DECLARE_STATIC_KEY_FALSE(name);
 *   RP_DEFINE_STATIC_KEY_ARRAY_TRUE(name, n);   ..._FALSE(name, n);
 *   RP_DECLARE_STATIC_KEY_ARRAY_TRUE(name, n);  ..._FALSE(name, n);
 *   RP_EXPORT_STATIC_KEY(name);
 *   RP_IMPORT_STATIC_KEY_TRUE(name);    RP_IMPORT_STATIC_KEY_FALSE(name);
 *
 *   if (rp_static_branch_unlikely(&name)) ...
 *   if (rp_static_branch_likely(&name)) ...
 *
 *   int  rp_static_key_enable(&name);   int rp_static_key_disable(&name);
 *   int  rp_static_key_inc(&name);      int rp_static_key_dec(&name);
 *   int  rp_static_key_count(&name);    bool rp_static_key_enabled(&name);
 *
 * Example
 * -------
 *   RP_DEFINE_STATIC_KEY_FALSE(tracing);
 *
 *   void work(void)
 *   {
 *           if (rp_static_branch_unlikely(&tracing))  // nopl 0(%rax,%rax,1)
 *                   trace("work");
 *           ...
 *   }
 *   void trace_on(void) { rp_static_key_enable(&tracing); }
 *
 * How it works
 * ------------
 * Each branch is one five-byte instruction: a NOP, or a JMP to the other side.
 * No load, no compare, no flags. The definer's type sets what is built, likely
 * or unlikely sets the layout, and the state of the key sets the instruction:
 *
 *                     key disabled   key enabled    built for TRUE / FALSE
 *   branch_unlikely   nop            jmp            jmp / nop
 *   branch_likely     jmp            nop            nop / jmp
 *
 * The five bytes lie within eight aligned ones, so one store changes them
 * safely on every processor, threads or not.
 *
 * Rules and pitfalls
 * ------------------
 * - The key in a branch is a link-time constant: &name or &array[3].
 * - Either count (inc, dec) or switch (enable, disable); see the functions.
 * - Keys are private to the executable or shared object that defines them:
 *   RP_EXPORT_STATIC_KEY there, RP_IMPORT_STATIC_KEY_* (instead of
 *   RP_DECLARE_*) in each file of the others that uses it.
 * - A change is seen by branches that start after it returned.
 * - Changes take a lock and may sleep: never from a signal handler. Branches
 *   are safe everywhere.
 *
 * Cost
 * ----
 * One NOP while disabled and unlikely. A change: one pass over the branches
 * and one synchronisation; docs/benchmarks.md.
 */
#ifndef REPOINT_STATIC_KEY_H
#define REPOINT_STATIC_KEY_H

#include <repoint/arch.h>
#include <repoint/error.h>
#include <repoint/object.h>

#define RP__STATIC_KEY_INIT(count, flags, origin)			\
	{ count, flags, &rp__object, NULL, origin,			\
	  RP_STATIC_KEY_MAGIC, 0 }

#define RP__STATIC_KEY_TRUE_INIT					\
	RP__STATIC_KEY_INIT(1, RP_STATIC_KEY_INIT_TRUE, NULL)
#define RP__STATIC_KEY_FALSE_INIT	RP__STATIC_KEY_INIT(0, 0, NULL)

/*
 * Two types, so that the compiler knows what was built. In C++ the arrays are
 * initialised by the default of the member.
 */
#ifdef __cplusplus
struct rp_static_key_true {
	struct rp_static_key key = RP__STATIC_KEY_TRUE_INIT;
};
struct rp_static_key_false {
	struct rp_static_key key = RP__STATIC_KEY_FALSE_INIT;
};
# define RP__STATIC_KEY_WRAP(init)	{}
# define RP__STATIC_KEY_ARRAY(n, init)	{}
#else
struct rp_static_key_true {
	struct rp_static_key key;
};
struct rp_static_key_false {
	struct rp_static_key key;
};
# define RP__STATIC_KEY_WRAP(init)	{ init }
# define RP__STATIC_KEY_ARRAY(n, init)	{ [0 ... (n) - 1] = { init } }
#endif

RP__BEGIN_DECLS

/** rp_static_key_key_enable() - behind rp_static_key_enable(). */
RP_API int rp_static_key_key_enable(struct rp_static_key *key);
/** rp_static_key_key_disable() - behind rp_static_key_disable(). */
RP_API int rp_static_key_key_disable(struct rp_static_key *key);
/** rp_static_key_key_inc() - behind rp_static_key_inc(). */
RP_API int rp_static_key_key_inc(struct rp_static_key *key);
/** rp_static_key_key_dec() - behind rp_static_key_dec(). */
RP_API int rp_static_key_key_dec(struct rp_static_key *key);

static inline int rp__static_key_count(const struct rp_static_key *key)
{
	int count;

	if (key->origin)
		key = key->origin;
	count = __atomic_load_n(&key->count, __ATOMIC_ACQUIRE);
	/* -1: the first increment is under way; it counts as enabled. */
	return count < 0 ? 1 : count;
}

RP__END_DECLS

/**
 * RP_DEFINE_STATIC_KEY_TRUE() - define a key that is enabled at first.
 * @name: a C identifier. At file scope; `static` may precede.
 */
#define RP_DEFINE_STATIC_KEY_TRUE(name)					\
	RP__DEFINE_HIDDEN(struct rp_static_key_true, name, ,			\
			  RP__STATIC_KEY_WRAP(RP__STATIC_KEY_TRUE_INIT))

/** RP_DEFINE_STATIC_KEY_FALSE() - as _TRUE, but disabled at first. */
#define RP_DEFINE_STATIC_KEY_FALSE(name)				\
	RP__DEFINE_HIDDEN(struct rp_static_key_false, name, ,			\
			  RP__STATIC_KEY_WRAP(RP__STATIC_KEY_FALSE_INIT))

/**
 * RP_DECLARE_STATIC_KEY_TRUE() - declare a key that another file of the same
 * object defines with RP_DEFINE_STATIC_KEY_TRUE.
 * @name: the key
 */
#define RP_DECLARE_STATIC_KEY_TRUE(name)				\
	extern struct rp_static_key_true RP__HIDDEN name

/** RP_DECLARE_STATIC_KEY_FALSE() - the same for a _FALSE key. */
#define RP_DECLARE_STATIC_KEY_FALSE(name)				\
	extern struct rp_static_key_false RP__HIDDEN name

/**
 * RP_DEFINE_STATIC_KEY_ARRAY_TRUE() - define keys that are enabled at first.
 * @name: a C identifier
 * @n:    how many, a constant; each is used as &name[i] with a constant i in
 *        branches, any i elsewhere
 */
#define RP_DEFINE_STATIC_KEY_ARRAY_TRUE(name, n)			\
	RP__DEFINE_HIDDEN(struct rp_static_key_true, name, [n],			\
			  RP__STATIC_KEY_ARRAY(n, RP__STATIC_KEY_TRUE_INIT))

/** RP_DEFINE_STATIC_KEY_ARRAY_FALSE() - as _TRUE, but disabled at first. */
#define RP_DEFINE_STATIC_KEY_ARRAY_FALSE(name, n)			\
	RP__DEFINE_HIDDEN(struct rp_static_key_false, name, [n],			\
			  RP__STATIC_KEY_ARRAY(n, RP__STATIC_KEY_FALSE_INIT))

/** RP_DECLARE_STATIC_KEY_ARRAY_TRUE() - declare such an array. */
#define RP_DECLARE_STATIC_KEY_ARRAY_TRUE(name, n)			\
	extern struct rp_static_key_true RP__HIDDEN name[n]

/** RP_DECLARE_STATIC_KEY_ARRAY_FALSE() - declare such an array. */
#define RP_DECLARE_STATIC_KEY_ARRAY_FALSE(name, n)			\
	extern struct rp_static_key_false RP__HIDDEN name[n]

/**
 * RP_EXPORT_STATIC_KEY() - let other shared objects import a key.
 * @name: a key (not an array, not a static one) defined above in this file
 */
#define RP_EXPORT_STATIC_KEY(name)					\
	RP__EXTERN_C RP__ALIAS_VISIBLE				\
	__typeof__(name) rp_static_key__##name				\
		__attribute__((alias(#name), visibility("default")))

/*
 * Branches name their key as a link-time constant, which a symbol of another
 * shared object is not; a proxy of this object stands for it. Each file that
 * imports has the same weak, hidden one.
 */
#define RP__IMPORT_STATIC_KEY(type, name, count, flags)			\
	RP__EXTERN_C struct rp_static_key rp_static_key__##name;	\
	__attribute__((weak)) struct type RP__HIDDEN name = {		\
		RP__STATIC_KEY_INIT(count, flags,			\
				    &rp_static_key__##name)		\
	}

/**
 * RP_IMPORT_STATIC_KEY_TRUE() - use a key that another shared object exports
 * and that it defined with RP_DEFINE_STATIC_KEY_TRUE.
 * @name: the key; from here on it is used like one's own
 */
#define RP_IMPORT_STATIC_KEY_TRUE(name)					\
	RP__IMPORT_STATIC_KEY(rp_static_key_true, name, 1,		\
			      RP_STATIC_KEY_INIT_TRUE)

/** RP_IMPORT_STATIC_KEY_FALSE() - the same for a _FALSE key. */
#define RP_IMPORT_STATIC_KEY_FALSE(name)				\
	RP__IMPORT_STATIC_KEY(rp_static_key_false, name, 0, 0)

/*
 * Anything but one of the two key types fails to compile here, with the
 * message of the assertion (C) or the missing overload (C++).
 */
#ifdef __cplusplus
template<typename rp__T> struct rp__static_key_type;
template<> struct rp__static_key_type<rp_static_key_true> {
	enum { is_true = 1 };
};
template<> struct rp__static_key_type<rp_static_key_false> {
	enum { is_true = 0 };
};
template<typename rp__T> struct rp__unqualified { typedef rp__T type; };
template<typename rp__T> struct rp__unqualified<rp__T &> {
	typedef rp__T type;
};
# define RP__STATIC_KEY_IS_TRUE(x)					\
	((int)rp__static_key_type<					\
		rp__unqualified<__typeof__(*(x))>::type>::is_true)
# define RP__STATIC_KEY_CHECK(x)
#else
# define RP__STATIC_KEY_IS_TRUE(x)					\
	__builtin_types_compatible_p(__typeof__(*(x)),			\
				     struct rp_static_key_true)
# define RP__STATIC_KEY_CHECK(x)					\
	_Static_assert(RP__STATIC_KEY_IS_TRUE(x) ||			\
		       __builtin_types_compatible_p(__typeof__(*(x)),	\
					struct rp_static_key_false),	\
		       "not the address of a static key: " #x);
#endif

/**
 * rp_static_branch_unlikely() - is the key enabled? Laid out for "no".
 * @x: &name of a key, a link-time constant
 */
/**
 * rp_static_branch_likely() - is the key enabled? Laid out for "yes".
 * @x: &name of a key, a link-time constant
 */
#if RP__HAVE_STATIC_BRANCH && !defined(RP_GENERIC)
# define rp_static_branch_unlikely(x)					\
	__extension__ ({						\
		RP__STATIC_KEY_CHECK(x)					\
		__builtin_expect(RP__STATIC_BRANCH(&(x)->key,		\
			RP__STATIC_KEY_IS_TRUE(x), 0), 0);		\
	})
# define rp_static_branch_likely(x)					\
	__extension__ ({						\
		RP__STATIC_KEY_CHECK(x)					\
		__builtin_expect(!RP__STATIC_BRANCH(&(x)->key,		\
			!RP__STATIC_KEY_IS_TRUE(x),			\
			RP_STATIC_KEY_SITE_LIKELY), 1);			\
	})
#else
# define rp_static_branch_unlikely(x)					\
	__extension__ ({						\
		RP__STATIC_KEY_CHECK(x)					\
		__builtin_expect(rp__static_key_count(&(x)->key) != 0, 0); \
	})
# define rp_static_branch_likely(x)					\
	__extension__ ({						\
		RP__STATIC_KEY_CHECK(x)					\
		__builtin_expect(rp__static_key_count(&(x)->key) != 0, 1); \
	})
#endif

/**
 * rp_static_key_enable() - set the count to 1 if it is 0.
 * @x: address of a key
 *
 * Return: 0; -ERANGE if somebody counts this key (the count is above 1);
 * -EINVAL; -EPERM, -EILSEQ, -EBUSY, -ENOMEM as in <repoint/error.h>, and
 * nothing changed. Thread safe; not async-signal-safe.
 */
#define rp_static_key_enable(x)		rp_static_key_key_enable(&(x)->key)

/**
 * rp_static_key_disable() - set the count to 0 if it is 1.
 * @x: address of a key
 *
 * Return: as rp_static_key_enable(). Thread safe; not async-signal-safe.
 */
#define rp_static_key_disable(x)	rp_static_key_key_disable(&(x)->key)

/**
 * rp_static_key_inc() - one more user; the first one enables the key.
 * @x: address of a key
 *
 * When it returns 0 the key is enabled everywhere, also if another thread made
 * the first increment at the same time.
 *
 * Return: 0; -ERANGE at INT_MAX; else as rp_static_key_enable(), and the count
 * is as before. Thread safe; not async-signal-safe.
 */
#define rp_static_key_inc(x)		rp_static_key_key_inc(&(x)->key)

/**
 * rp_static_key_dec() - one user less; the last one disables the key.
 * @x: address of a key
 *
 * Return: 0; -ERANGE if the count is 0 (it stays 0); else as
 * rp_static_key_enable(), and the count is as before. Thread safe; not
 * async-signal-safe.
 */
#define rp_static_key_dec(x)		rp_static_key_key_dec(&(x)->key)

/** rp_static_key_count() - users now. Async-signal-safe. */
#define rp_static_key_count(x)		rp__static_key_count(&(x)->key)

/** rp_static_key_enabled() - is the count above 0? Async-signal-safe. */
#define rp_static_key_enabled(x)	(rp__static_key_count(&(x)->key) != 0)

#endif /* REPOINT_STATIC_KEY_H */
