/* SPDX-License-Identifier: MIT */
/*
 * For the source of a fix that becomes a live patch: hooks, what happens to
 * data, and shadow variables.
 *
 * Overview
 * --------
 *   RP_LIVEPATCH_PRE_APPLY(fn);     int fn(void): may veto
 *   RP_LIVEPATCH_APPLY(fn);         void fn(void)
 *   RP_LIVEPATCH_POST_APPLY(fn);    void fn(void)
 *   RP_LIVEPATCH_PRE_REVERT(fn);    int fn(void): may veto
 *   RP_LIVEPATCH_REVERT(fn);        void fn(void)
 *   RP_LIVEPATCH_POST_REVERT(fn);   void fn(void)
 *
 *   RP_LIVEPATCH_KEEP(var);                    the running value stays
 *   RP_LIVEPATCH_SET(var);                     it becomes the new initial one
 *   RP_LIVEPATCH_SET_EXPECT(var, value...);    likewise, if it is `value` now
 *
 *   void *rp_shadow_get(object, id);
 *   void *rp_shadow_alloc(object, id, size, init, arg);
 *   void *rp_shadow_get_or_alloc(object, id, size, init, arg);
 *   int   rp_shadow_free(object, id, fini);
 *   int   rp_shadow_free_all(id, fini);
 *
 * Example
 * -------
 *   static int retries = 5;                // was 3
 *   RP_LIVEPATCH_SET(retries);
 *
 *   static void applied(void) { syslog(LOG_INFO, "retry fix is in"); }
 *   RP_LIVEPATCH_POST_APPLY(applied);
 *
 *   unsigned int *failures = rp_shadow_get_or_alloc(conn, 1,
 *                                   sizeof(*failures), NULL, NULL);
 *
 * docs/patch-authors.md is the guide, and says what is not guaranteed.
 *
 * How it works
 * ------------
 * Hooks and data markers are records in sections of the object file, which
 * `repoint patch` reads there and takes into the payload's tables. A program
 * that is built from the same source contains them as 16 and 32 bytes of data
 * that nobody looks at, and its linker drops them with --gc-sections.
 *
 * Shadow variables are functions of librepoint-livepatch.a. A program that is
 * built from the fixed source links it. A program that runs need not have it:
 * `repoint patch` takes the code into the payload. What they store hangs on a
 * page that the first payload brings and that stays, and outlives payloads.
 *
 * Hooks
 * -----
 * They run in the target, on a thread and a stack of their own:
 *
 *   kind          when                                   other threads
 *   pre-apply     after all checks, before the switch    run, old code
 *   apply         during the switch                      stopped
 *   post-apply    after it                               run, new code
 *   pre-revert    before the switch back                 run, new code
 *   revert        during it                              stopped
 *   post-revert   after it                               run, old code
 *
 * Hooks of one kind run in the order of the source, those of several objects
 * in the order in which these were given to `repoint patch`. Where a payload
 * replaces another one, the old one's pre-revert hooks run before the new one's
 * pre-apply hooks; revert before apply; post-revert before post-apply.
 *
 * A pre-hook that returns something else than 0, a negative errno, vetoes: the
 * hooks after it do not run, and nothing is applied or reverted. What earlier
 * pre-hooks did is theirs to undo: the same hook may be called again later.
 *
 * While others are stopped, any lock may be held, that of malloc() too: apply
 * and revert hooks call only what is async-signal-safe (rp_shadow_get() is),
 * take no lock, and wait for nothing. No hook may end the thread, change its
 * signal mask for good, leave by longjmp() or an exception, or start or join a
 * thread that outlives it with code of the payload. The thread is not one of
 * the program's: its thread-local variables are not those of any of its
 * threads, and those with constructors were not constructed.
 *
 * Data
 * ----
 * A change of an initial value does nothing to a variable that lives already,
 * so `repoint patch` refuses it until the author says what is meant. `var` is a
 * variable with a constant address, or a part of one (`limits.max`,
 * `table[3]`): global, static, or static in a function, where the marker stands
 * inside the function. Not thread-local: there is one for each thread.
 *
 * RP_LIVEPATCH_SET() compares all bytes of the variable, padding included, with
 * the initial value in the old object, during the switch; if they differ, the
 * payload is refused and nothing is changed. RP_LIVEPATCH_SET_EXPECT() names
 * what is expected instead. A revert puts the bytes back if they still are what
 * was set.
 *
 * Rules and pitfalls
 * ------------------
 * - The markers are declarations: at file scope, or among the declarations of a
 *   block. In C++ the expected value must be a constant expression.
 * - Objects compiled with -flto cannot be read.
 * - Not in inline functions or templates of C++: their statics are merged.
 */
#ifndef REPOINT_LIVEPATCH_H
#define REPOINT_LIVEPATCH_H

#include <repoint/compiler.h>

#define RP_LIVEPATCH_HOOKS_SECTION	"rp_livepatch_hooks"
#define RP_LIVEPATCH_DATA_SECTION	"rp_livepatch_data"

/** enum rp_livepatch_hook_kind - as enum rp_payload_hook_kind in payloads. */
enum rp_livepatch_hook_kind {
	RP_LIVEPATCH_HOOK_PRE_APPLY = 1,
	RP_LIVEPATCH_HOOK_APPLY = 2,
	RP_LIVEPATCH_HOOK_POST_APPLY = 3,
	RP_LIVEPATCH_HOOK_PRE_REVERT = 4,
	RP_LIVEPATCH_HOOK_REVERT = 5,
	RP_LIVEPATCH_HOOK_POST_REVERT = 6,
	RP_LIVEPATCH_HOOK_NR
};

/**
 * struct rp_livepatch_hook - a record in rp_livepatch_hooks.
 * @fn:       the function; of pre-hooks int (*)(void)
 * @kind:     enum rp_livepatch_hook_kind
 * @reserved: 0
 */
struct rp_livepatch_hook {
	void (*fn)(void);
	uint32_t kind;
	uint32_t reserved;
};

/** enum rp_livepatch_data_mode - what happens to a variable. */
enum rp_livepatch_data_mode {
	/** The running value stays. */
	RP_LIVEPATCH_DATA_KEEP = 1,
	/** The old object's initial value becomes that of the new one. */
	RP_LIVEPATCH_DATA_SET = 2,
	/** What the record expects becomes the new initial value. */
	RP_LIVEPATCH_DATA_SET_EXPECT = 3,
	RP_LIVEPATCH_DATA_NR
};

/**
 * struct rp_livepatch_data - a record in rp_livepatch_data.
 * @object:   the variable or the part of one
 * @expected: @size bytes, or NULL
 * @size:     of it
 * @mode:     enum rp_livepatch_data_mode
 * @reserved: 0
 */
struct rp_livepatch_data {
	const void *object;
	const void *expected;
	uint64_t size;
	uint32_t mode;
	uint32_t reserved;
};

/*
 * Not const: with relocations and -fPIC, whether a const record is writable is
 * up to the compiler, and one section cannot be both. GCC puts static variables
 * in any order unless told; clang keeps that of the source.
 */
#if defined(__GNUC__) && !defined(__clang__)
# define RP__LIVEPATCH_ORDER	no_reorder,
#else
# define RP__LIVEPATCH_ORDER
#endif
#define RP__LIVEPATCH_RECORD(section_)					\
	__attribute__((section(section_), used, RP__LIVEPATCH_ORDER aligned(8)))

#define RP__LIVEPATCH_ID(prefix)	RP__CAT(prefix, __COUNTER__)

/*
 * What each language would let pass: C a pointer of another type; C++ one that
 * is no constant, in a record that a constructor would fill; both a function as
 * a variable of one byte.
 */
#ifdef __cplusplus
# define RP__LIVEPATCH_CONST		constexpr
# define RP__LIVEPATCH_CHECK_FN(id, type, func)				\
	static constexpr type (*RP__CAT(id, _fn))(void) = func;
# define RP__LIVEPATCH_FN(id, func)	(void (*)(void))RP__CAT(id, _fn)
# define RP__LIVEPATCH_CHECK_AT(id, var)				\
	static constexpr const volatile void *RP__CAT(id, _at) = &(var);
# define RP__LIVEPATCH_AT(id, var)	const_cast<const void *>(RP__CAT(id, _at))
# define RP__LIVEPATCH_SIZE(var)	sizeof(var)
#else
# define RP__LIVEPATCH_CONST		const
# define RP__LIVEPATCH_CHECK_FN(id, type, func)				\
	_Static_assert(_Generic((func), type (*)(void): 1, default: 0),	\
		"live-patch hook " #func ": not " #type " (*)(void)");
# define RP__LIVEPATCH_FN(id, func)	(void (*)(void))(func)
# define RP__LIVEPATCH_CHECK_AT(id, var)
# define RP__LIVEPATCH_AT(id, var)	(const void *)&(var)
# define RP__LIVEPATCH_SIZE(var)	sizeof(__typeof__(var)[1])
#endif

#define RP__LIVEPATCH_HOOK_AS(id, type, hook_kind, func)		\
	RP__LIVEPATCH_CHECK_FN(id, type, func)				\
	static struct rp_livepatch_hook id				\
		RP__LIVEPATCH_RECORD(RP_LIVEPATCH_HOOKS_SECTION) =	\
		{ RP__LIVEPATCH_FN(id, func), hook_kind, 0 }
#define RP__LIVEPATCH_HOOK(type, hook_kind, func)			\
	RP__LIVEPATCH_HOOK_AS(RP__LIVEPATCH_ID(rp__livepatch_hook_),	\
			      type, hook_kind, func)

/**
 * RP_LIVEPATCH_PRE_APPLY() - run before the payload is applied; may veto.
 * @fn: int fn(void), may be static; 0: go on; else a negative errno, the reason
 *
 * At file scope, as all six. Another type of function does not compile.
 */
#define RP_LIVEPATCH_PRE_APPLY(fn)					\
	RP__LIVEPATCH_HOOK(int, RP_LIVEPATCH_HOOK_PRE_APPLY, fn)

/**
 * RP_LIVEPATCH_APPLY() - run while the payload is applied and all is stopped.
 * @fn: void fn(void), may be static; async-signal-safe
 */
#define RP_LIVEPATCH_APPLY(fn)						\
	RP__LIVEPATCH_HOOK(void, RP_LIVEPATCH_HOOK_APPLY, fn)

/**
 * RP_LIVEPATCH_POST_APPLY() - run after the payload was applied.
 * @fn: void fn(void), may be static
 */
#define RP_LIVEPATCH_POST_APPLY(fn)					\
	RP__LIVEPATCH_HOOK(void, RP_LIVEPATCH_HOOK_POST_APPLY, fn)

/**
 * RP_LIVEPATCH_PRE_REVERT() - run before the payload is reverted; may veto.
 * @fn: int fn(void), may be static; 0: go on; else a negative errno, the reason
 */
#define RP_LIVEPATCH_PRE_REVERT(fn)					\
	RP__LIVEPATCH_HOOK(int, RP_LIVEPATCH_HOOK_PRE_REVERT, fn)

/**
 * RP_LIVEPATCH_REVERT() - run while the payload is reverted and all is stopped.
 * @fn: void fn(void), may be static; async-signal-safe
 */
#define RP_LIVEPATCH_REVERT(fn)						\
	RP__LIVEPATCH_HOOK(void, RP_LIVEPATCH_HOOK_REVERT, fn)

/**
 * RP_LIVEPATCH_POST_REVERT() - run after the payload was reverted.
 * @fn: void fn(void), may be static; code of the payload is still there
 */
#define RP_LIVEPATCH_POST_REVERT(fn)					\
	RP__LIVEPATCH_HOOK(void, RP_LIVEPATCH_HOOK_POST_REVERT, fn)

#define RP__LIVEPATCH_DATA_AS(id, var, expected_, data_mode)		\
	RP__LIVEPATCH_CHECK_AT(id, var)					\
	static struct rp_livepatch_data id				\
		RP__LIVEPATCH_RECORD(RP_LIVEPATCH_DATA_SECTION) =	\
		{ RP__LIVEPATCH_AT(id, var), expected_,			\
		  RP__LIVEPATCH_SIZE(var), data_mode, 0 }
#define RP__LIVEPATCH_DATA(var, data_mode)				\
	RP__LIVEPATCH_DATA_AS(RP__LIVEPATCH_ID(rp__livepatch_data_),	\
			      var, NULL, data_mode)

#define RP__LIVEPATCH_EXPECT_AS(id, value, var, ...)			\
	static RP__LIVEPATCH_CONST __typeof__(var) value = __VA_ARGS__;	\
	RP__LIVEPATCH_CHECK_AT(value, value)				\
	RP__LIVEPATCH_DATA_AS(id, var, RP__LIVEPATCH_AT(value, value),	\
			      RP_LIVEPATCH_DATA_SET_EXPECT)

/**
 * RP_LIVEPATCH_KEEP() - the initial value changed, the running value stays.
 * @var: a variable with a constant address, or a part of one
 */
#define RP_LIVEPATCH_KEEP(var)						\
	RP__LIVEPATCH_DATA(var, RP_LIVEPATCH_DATA_KEEP)

/**
 * RP_LIVEPATCH_SET() - the running value becomes the new initial value.
 * @var: a variable with a constant address, or a part of one
 *
 * If it is not the old initial value at that moment, the payload is refused.
 */
#define RP_LIVEPATCH_SET(var)						\
	RP__LIVEPATCH_DATA(var, RP_LIVEPATCH_DATA_SET)

/**
 * RP_LIVEPATCH_SET_EXPECT() - likewise, for a known running value.
 * @var: a variable with a constant address, or a part of one
 * @...: what it has to be now: an initialiser for its type, in C also a
 *       compound literal. Padding has to be zero.
 */
#define RP_LIVEPATCH_SET_EXPECT(var, ...)				\
	RP__LIVEPATCH_EXPECT_AS(RP__LIVEPATCH_ID(rp__livepatch_data_),	\
				RP__LIVEPATCH_ID(rp__livepatch_value_),	\
				var, __VA_ARGS__)

/*
 * Shadow variables: data attached to an object of the program, without a place
 * in its type. The key is the object's address and a number that the author
 * chooses; the object is never looked at.
 *
 * - Who frees an object frees its shadow variables: else they are found by the
 *   next object at that address. The same holds when one is moved.
 * - As with any data, its users agree on when it may be freed; what was got may
 *   not be used after a free in another thread.
 * - `init` and `fini` are called and forgotten: no pointer to them is kept, so
 *   what one payload attached another one can free. Size and contents are the
 *   author's agreement between payloads: a new layout takes a new number.
 * - A child of fork has a copy of all. A variable that another thread was about
 *   to add or remove at that moment is there, or it is not. A child of vfork
 *   may only get.
 * - The memory that the table needs for itself, 64 bytes and two pointers for a
 *   variable, is used again but never returned.
 * - All may change errno where malloc() does.
 *
 * Cost: a hash table that grows with its contents. Getting is lock-free, a few
 * loads, O(1) expected; a thread starts over only while others allocate.
 * Allocating and freeing take one lock for the process and two cheap system
 * calls; O(1) expected, O(n) when the table doubles. Freeing all of a number is
 * O(n) of all variables.
 */

RP__BEGIN_DECLS

/**
 * rp_shadow_init_fn - makes a new variable.
 * @object: what it is attached to
 * @data:   the variable, zeroed; nobody else can see it yet
 * @arg:    passed through
 *
 * Called with the lock of the shadow variables held: it may get, and must not
 * allocate or free any (which fails, see below), nor wait for a thread that
 * does, nor leave otherwise than by returning.
 *
 * Return: 0; else the variable is not made.
 */
typedef int rp_shadow_init_fn(const void *object, void *data, void *arg);

/**
 * rp_shadow_fini_fn - takes back what is in a variable, not the variable.
 * @object: what it was attached to
 * @data:   the variable; nobody can find it any more
 *
 * Called without a lock.
 */
typedef void rp_shadow_fini_fn(const void *object, void *data);

/**
 * rp_shadow_get() - find a shadow variable.
 * @object: what it is attached to; any address, NULL for the whole program
 * @id:     its number
 *
 * Return: the variable, or NULL if there is none.
 *
 * Thread safe, lock-free, async-signal-safe.
 */
void *rp_shadow_get(const void *object, uint64_t id);

/**
 * rp_shadow_alloc() - attach a new shadow variable.
 * @object: what to; any address
 * @id:     its number
 * @size:   in bytes
 * @init:   makes its value; NULL: zeros
 * @arg:    passed to @init
 *
 * Return: the variable, aligned as by malloc(); NULL if there is one of this key
 * already, if there is no memory, if @init failed, if this was called from an
 * @init, or if the payloads of this process store them in a way that this
 * version does not know. Nothing changed then.
 *
 * Thread safe; not async-signal-safe.
 */
void *rp_shadow_alloc(const void *object, uint64_t id, size_t size,
		      rp_shadow_init_fn *init, void *arg);

/**
 * rp_shadow_get_or_alloc() - find a shadow variable, or attach it.
 * @object: what to; any address
 * @id:     its number
 * @size:   in bytes, if it is new
 * @init:   makes its value, if it is new; NULL: zeros
 * @arg:    passed to @init
 *
 * If several threads ask at once, one makes it and all get that one.
 *
 * Return: the variable; NULL as rp_shadow_alloc(), except that there is one.
 *
 * Thread safe; not async-signal-safe.
 */
void *rp_shadow_get_or_alloc(const void *object, uint64_t id, size_t size,
			     rp_shadow_init_fn *init, void *arg);

/**
 * rp_shadow_free() - detach and free a shadow variable.
 * @object: what it is attached to
 * @id:     its number
 * @fini:   called before its memory goes; NULL: nothing to do
 *
 * Return: 0; -ENOENT if there is none; -EDEADLK from an rp_shadow_init_fn;
 * -EPROTONOSUPPORT if they are stored in a way that this version does not know.
 *
 * Thread safe: of several threads, one frees. Not async-signal-safe.
 */
int rp_shadow_free(const void *object, uint64_t id, rp_shadow_fini_fn *fini);

/**
 * rp_shadow_free_all() - detach and free all shadow variables of a number.
 * @id:   the number
 * @fini: called for each before its memory goes; NULL: nothing to do
 *
 * Those that other threads attach meanwhile may remain.
 *
 * Return: 0, also if there was none; -EDEADLK, -EPROTONOSUPPORT as
 * rp_shadow_free().
 *
 * Thread safe; not async-signal-safe.
 */
int rp_shadow_free_all(uint64_t id, rp_shadow_fini_fn *fini);

RP__END_DECLS

#endif /* REPOINT_LIVEPATCH_H */
