/* SPDX-License-Identifier: MIT */
/*
 * Patchable ops: tables of operations at the cost of direct calls.
 *
 * Overview
 * --------
 *   RP_DEFINE_OPS(type, name, initial...);
 *   RP_DEFINE_STATIC_OPS(type, name, initial...);
 *   RP_DECLARE_OPS(type, name);
 *
 *   rp_op(name, member)(args...);
 *   rp_op_set(name, member, func);
 *
 *   int rp_ops_bind(&name);            sites follow the members from here on
 *   int rp_ops_bind_final(&name);      ... for good
 *   int rp_ops_rebind(&name);          after rp_op_set()
 *   int rp_ops_unbind(&name);          back to calls through the table
 *   int rp_ops_bind_opts(&name, binding, opts);
 *   RP_OP_NOP(type, member), RP_OP_RETURN0(type, member)
 *
 *   RP_PATCHLET(name, clobbers) ... RP_PATCHLET_END(name)    in assembly
 *   RP_OP_PATCHLET(func, name);        a function and its native sequence
 *   RP_OP_CLOBBERS(name, member, clobbers);
 *   RP_OP_THUNK(name, func);
 *   rp_op_asm(name, member, outputs, inputs, clobbers);
 *
 * Example
 * -------
 *   struct clock_ops {
 *           uint64_t (*now)(void);
 *           void (*idle)(int);
 *   };
 *
 *   RP_DEFINE_OPS(struct clock_ops, clock, .now = read_hpet, .idle = spin);
 *
 *   int main(void)
 *   {
 *           if (invariant_tsc())
 *                   rp_op_set(clock, now, read_tsc);
 *           rp_ops_bind(&clock);
 *           ...
 *           uint64_t start = rp_op(clock, now)();          // call read_tsc
 *
 * How it works
 * ------------
 * The table is an ordinary variable, and rp_op(clock, now)() an ordinary call
 * through it, which compilers make `call *clock+offset(%rip)`, six bytes.
 * `repoint object annotate`, or `repoint cc`, records those instructions;
 * rp_ops_bind() makes each the best form for what the member holds:
 *
 *   member               call *member(%rip)       jmp *member(%rip), tail call
 *   a function           cs call func             jmp func
 *   one out of reach     cs call island           jmp island
 *   one with a patchlet  the patchlet, if it      jmp func
 *                        fits; long NOP behind
 *   RP_OP_NOP            nopw 0(%rax,%rax,1)      ret
 *   RP_OP_RETURN0        cs cs cs cs xor %eax,%eax  jmp to a return of 0
 *   NULL                 as it was: a call of NULL faults as it does in C
 *
 * What is not recorded (no annotation; -O0; a load of the member or of the
 * table's address into a register, which GCC prefers in loops for the first
 * member; another shared object's table) keeps going through the table, and is
 * correct.
 * So are sites between two calls of bind: they do what the last one made them.
 *
 * Which sites are bound
 * ---------------------
 * rp_ops_bind() promises that a later rp_ops_rebind() works while other threads
 * run, at once and without a breakpoint. So it leaves alone what could not be
 * taken back that way, whether or not threads exist yet:
 *   - a site whose six bytes do not lie in one block that one store may change
 *     (see <repoint/text_poke.h>): it goes through the table. The flags of
 *     `repoint cc` align them; rp_op_asm() does so by itself.
 *   - a patchlet that a thread might be in the middle of: of more than one
 *     instruction, or of one that repeats, gathers or is a system call: the
 *     site calls the function.
 * rp_ops_bind_final() binds those, too, if no thread was ever created or
 * RP_PROTOCOL_STOPPED vouches for them; from then on the table can be rebound
 * under the same conditions only: -ENOTSUP otherwise.
 *
 * Patchlets
 * ---------
 * A function of a few instructions may have its native sequence copied over the
 * call: bytes between two labels, which belong together whatever a compiler or
 * -flto does with asm statements. In a .S file, or in asm at file scope:
 *
 *   RP_PATCHLET(cpu_relax, 0)          asm(RP_PATCHLET(cpu_relax, 0)
 *           pause                          "pause\n"
 *   RP_PATCHLET_END(cpu_relax)             RP_PATCHLET_END(cpu_relax));
 *
 *   RP_OP_PATCHLET(relax_by_pause, cpu_relax);   // in C
 *
 * Wherever a member is relax_by_pause, its sites become `pause`. Arguments are
 * where the psABI puts them (%rdi, %rsi, ...), the result is in %rax. A patchlet
 * does not return, leaves the stack as it was, and changes no registers but
 * those it declares; `repoint object annotate` checks that.
 *
 * rp_op(name, member)() is a call to the compiler: it may change RP_CLOBBERS_C.
 * A member whose callers rely on less says so with RP_OP_CLOBBERS(), and is
 * called with rp_op_asm(), which names operands and clobbers as asm does. Its
 * functions have to keep all other registers: they are written in assembly, or
 * made by RP_OP_THUNK(). A patchlet that changes more than its member may is not
 * copied.
 *
 * Rules and pitfalls
 * ------------------
 * - Table, sites and bind belong to one executable or shared object: the table
 *   is hidden. Across objects use static calls.
 * - Change members with rp_op_set(), or before threads exist.
 * - After rp_ops_rebind() returned, calls that start go to the new functions; a
 *   thread may still be in an old one.
 * - bind and rebind take a lock: never from a signal handler.
 * - Where mprotect is refused, text is written through /proc/self/mem, and while
 *   other threads run that cannot write patchlets: -ENOTSUP, and the sites stay.
 * - RP_OP_RETURN0 sets %rax and the flags: not for members that return floats.
 *
 * Cost
 * ----
 * Bound: that of a direct call. Unbound: that of a call through memory, which
 * the branch predictor makes cheap until there are many. docs/benchmarks.md.
 *
 * Source: the kernel's paravirt ops, its commit "x86/paravirt: switch functions
 * with custom code to ALTERNATIVE", and Xen's alternative calls.
 */
#ifndef REPOINT_OPS_H
#define REPOINT_OPS_H

#ifndef __ASSEMBLER__
# include <repoint/alternative.h>
# include <repoint/static_call.h>
#else
# include <repoint/abi.h>
#endif

/* ---- patchlets, for C and for .S files ---- */

#ifdef __ASSEMBLER__

# define RP_PATCHLET(name, clobbers)					\
	.pushsection rp_patchlet_code, "ax", @progbits;			\
	.globl rp_patchlet__##name;					\
	.hidden rp_patchlet__##name;					\
	.type rp_patchlet__##name, @function;				\
	rp_patchlet__##name:						\
	.pushsection rp_patchlets, "ao", @progbits, rp_patchlet__##name; \
	.p2align 2;							\
	.long rp_patchlet__##name - .;					\
	.long .Lrp_patchlet_end__##name - .;				\
	.long (clobbers);						\
	.long 0;							\
	.popsection
# define RP_PATCHLET_END(name)						\
	.size rp_patchlet__##name, . - rp_patchlet__##name;		\
	.Lrp_patchlet_end__##name:					\
	.popsection

#else /* __ASSEMBLER__ */

/**
 * RP_PATCHLET() - the start of a native sequence.
 * @name:     a C identifier, unique in the object
 * @clobbers: RP_CLOBBER_* bits of <repoint/abi.h>: all that the sequence
 *            changes; 0 if nothing
 *
 * In .S files a macro of the preprocessor; in C a string, for one asm statement
 * at file scope that also holds the sequence and RP_PATCHLET_END().
 */
#define RP_PATCHLET(name, clobbers)					\
	".pushsection rp_patchlet_code,\"ax\",@progbits\n\t"		\
	".globl rp_patchlet__" #name "\n\t"				\
	".hidden rp_patchlet__" #name "\n\t"				\
	".type rp_patchlet__" #name ", @function\n"			\
	"rp_patchlet__" #name ":\n\t"					\
	".pushsection " RP_PATCHLETS_SECTION				\
		",\"ao\",@progbits,rp_patchlet__" #name "\n\t"		\
	".p2align 2\n\t"						\
	".long rp_patchlet__" #name " - .\n\t"				\
	".long .Lrp_patchlet_end__" #name " - .\n\t"			\
	".long " RP__STR(clobbers) "\n\t"				\
	".long 0\n\t"							\
	".popsection\n\t"

/**
 * RP_PATCHLET_END() - the end of a native sequence.
 * @name: as for RP_PATCHLET()
 *
 * Without it the program does not link: .Lrp_patchlet_end__NAME is undefined.
 */
#define RP_PATCHLET_END(name)						\
	"\n\t.size rp_patchlet__" #name ", . - rp_patchlet__" #name "\n" \
	".Lrp_patchlet_end__" #name ":\n\t"				\
	".popsection\n"

RP__BEGIN_DECLS

/** enum rp_ops_binding - what rp_object_bind_ops() makes of the sites. */
enum rp_ops_binding {
	RP_OPS_UNBIND = 0,	/**< call through the table */
	RP_OPS_BIND,		/**< direct, where that can be changed again
				     while other threads run */
	RP_OPS_BIND_FINAL,	/**< direct, all of them */
	RP_OPS_REBIND,		/**< as the last of these, else RP_OPS_BIND */
	RP_OPS_BINDING_NR
};

/**
 * rp_object_bind_ops() - the function behind rp_ops_bind() and its like.
 * @object:  the object's descriptor
 * @table:   a table that RP_DEFINE_OPS() defined in this object
 * @binding: what to make of its sites
 * @opts:    as for rp_text_poke_batch_begin(), or NULL
 *
 * Return: 0, also if there are no sites; -EINVAL if @object or @table is NULL,
 * @table is none of the object's, or a record is malformed; -EILSEQ if the
 * bytes of a site are not those that were written there; -ENOTSUP if a site
 * cannot be changed while other threads run (see rp_ops_bind_final()); -EPERM,
 * -EBUSY, -EDEADLK, -ENOMEM, -ERANGE, -EPROTONOSUPPORT as in
 * <repoint/error.h>. On failure nothing changed.
 *
 * Thread safe; not async-signal-safe.
 */
RP_API int rp_object_bind_ops(struct rp_object *object, const void *table,
			      enum rp_ops_binding binding,
			      const struct rp_text_poke_opts *opts);

RP__END_DECLS

/*
 * The assembler's name, in C the variable keeps its own: by it the annotator
 * knows a table from other data, in all files.
 */
#define RP__OPS_NAME(name)	__asm__(RP_OPS_PREFIX #name)

#define RP__OPS_TABLE(name)						\
	static const struct rp_ops_table rp__ops_table_##name		\
	RP__RECORD(RP_OPS_TABLES_SECTION) = { &name, sizeof(name) }

/**
 * RP_DECLARE_OPS() - declare a table that another file of this object defines.
 * @type: its type
 * @name: a C identifier, unique in the object
 */
#define RP_DECLARE_OPS(type, name)					\
	RP__EXTERN_C type name RP__OPS_NAME(name) RP__HIDDEN

/**
 * RP_DEFINE_OPS() - define a table of operations. At file scope, once.
 * @type: its type: any with function pointers in it
 * @name: a C identifier, unique in the object
 * @...:  initial members, as in braces; may be nothing
 */
#define RP_DEFINE_OPS(type, name, ...)					\
	RP_DECLARE_OPS(type, name);					\
	type name = { __VA_ARGS__ };					\
	RP__OPS_TABLE(name)

/**
 * RP_DEFINE_STATIC_OPS() - define a table that only this file uses.
 *
 * Parameters as for RP_DEFINE_OPS().
 */
#define RP_DEFINE_STATIC_OPS(type, name, ...)				\
	static type name RP__OPS_NAME(name) = { __VA_ARGS__ };		\
	RP__OPS_TABLE(name)

/**
 * rp_op() - the function to call: rp_op(name, member)(args...).
 * @name:   a declared or defined table
 * @member: a function pointer in it; a.b and a[1] are members, too
 *
 * As async-signal-safe as the function that it reaches.
 */
#define rp_op(name, member)	((name).member)

/* C++ refuses the initialisation below; C would only warn. */
#ifdef __cplusplus
# define RP__OP_CHECK(name, member, func)
#else
# define RP__OP_CHECK(name, member, func)				\
	_Static_assert(_Generic((func),					\
			__typeof__((name).member): 1,			\
			void *: 1, default: 0),				\
		"ops table " #name ", member " #member			\
		": function of another type");
#endif

/**
 * rp_op_set() - set a member. Sites that are bound follow with rp_ops_rebind().
 * @name:   a declared or defined table
 * @member: a function pointer in it
 * @func:   a function of its type (others do not compile), NULL,
 *          RP_OP_NOP() or RP_OP_RETURN0()
 *
 * One store: threads that call through the table see the old or the new one.
 * Async-signal-safe.
 */
#define rp_op_set(name, member, func)					\
	do {								\
		RP__OP_CHECK(name, member, func)			\
		__typeof__((name).member) rp__func = (func);		\
		__atomic_store_n(&(name).member, rp__func,		\
				 __ATOMIC_RELEASE);			\
	} while (0)

/**
 * RP_OP_NOP() - a member's value that does nothing: bound calls become NOPs.
 * @type:   type of the table
 * @member: the member; its result, if it has one, is undefined
 */
#define RP_OP_NOP(type, member)						\
	(__extension__							\
	 (__typeof__(((type *)0)->member))(void *)rp_static_call_nop)

/**
 * RP_OP_RETURN0() - a member's value that returns 0.
 * @type:   type of the table
 * @member: the member; it returns an integer, a pointer or a bool
 */
#define RP_OP_RETURN0(type, member)					\
	(__extension__							\
	 (__typeof__(((type *)0)->member))(void *)rp_static_call_return0)

/**
 * rp_ops_bind() - make the sites of a table direct calls of what its members
 * are now, such that this can be done again while other threads run.
 * @table: address of a declared or defined table
 *
 * Return and safety: as rp_object_bind_ops().
 */
#define rp_ops_bind(table)						\
	rp_object_bind_ops(&rp__object, (table), RP_OPS_BIND, NULL)

/**
 * rp_ops_bind_final() - the same for all sites, and for patchlets of more than
 * one instruction. Before other threads exist; so is what comes after.
 * @table: address of a declared or defined table
 *
 * Return and safety: as rp_object_bind_ops().
 */
#define rp_ops_bind_final(table)					\
	rp_object_bind_ops(&rp__object, (table), RP_OPS_BIND_FINAL, NULL)

/**
 * rp_ops_rebind() - bring the sites to what the members are now, in the way in
 * which they were bound, in one batch.
 * @table: address of a declared or defined table
 *
 * Return and safety: as rp_object_bind_ops().
 */
#define rp_ops_rebind(table)						\
	rp_object_bind_ops(&rp__object, (table), RP_OPS_REBIND, NULL)

/**
 * rp_ops_unbind() - let the sites call through the table again.
 * @table: address of a declared or defined table
 *
 * Return and safety: as rp_object_bind_ops().
 */
#define rp_ops_unbind(table)						\
	rp_object_bind_ops(&rp__object, (table), RP_OPS_UNBIND, NULL)

/**
 * rp_ops_bind_opts() - any of these, with options: to learn what is wrong, or
 * to vouch for the sites.
 * @table:   address of a declared or defined table
 * @binding: RP_OPS_BIND, RP_OPS_BIND_FINAL, RP_OPS_REBIND or RP_OPS_UNBIND
 * @opts:    struct rp_text_poke_opts *, see <repoint/text_poke.h>: on failure
 *           opts->error->message says where and why
 *
 * Return and safety: as rp_object_bind_ops().
 */
#define rp_ops_bind_opts(table, binding, opts)				\
	rp_object_bind_ops(&rp__object, (table), (binding), (opts))

/**
 * RP_OP_PATCHLET() - say that a patchlet does what a function does. At file
 * scope, in any file of the object.
 * @func:     the function, by its unqualified name; may be static
 * @patchlet: name given to RP_PATCHLET()
 */
#define RP_OP_PATCHLET(func, patchlet)					\
	RP__EXTERN_C RP__HIDDEN const char rp_patchlet__##patchlet[];	\
	static const struct rp_op_patchlet				\
	rp__op_patchlet_##func##__##patchlet				\
	RP__RECORD(RP_OP_PATCHLETS_SECTION) =				\
		{ __extension__ (const void *)(func),			\
		  rp_patchlet__##patchlet }

/**
 * RP_OP_CLOBBERS() - say what a member may change at most. At file scope.
 * @name:     a declared or defined table
 * @member:   a function pointer in it, an identifier
 * @clobbers: RP_CLOBBER_* bits; without this it is RP_CLOBBERS_C
 *
 * Its callers use rp_op_asm(), with clobbers that are no less than these.
 */
#define RP_OP_CLOBBERS(name, member, clobbers_)				\
	static const struct rp_op_member				\
	rp__op_member_##name##__##member				\
	RP__RECORD(RP_OP_MEMBERS_SECTION) =				\
		{ &(name).member, (clobbers_), 0 }

/**
 * RP_OP_GENERAL - attribute of a C function that uses general registers alone,
 * for RP_OP_THUNK(); it may call only functions that do the same.
 */
#define RP_OP_GENERAL	__attribute__((target("general-regs-only")))

/**
 * RP_OP_THUNK() - a function that calls another one and keeps all registers but
 * its result's: for members with RP_OP_CLOBBERS(). At file scope.
 * @name: what to call it, a C identifier, unique in the object
 * @func: an RP_OP_GENERAL function that takes arguments in registers only, and
 *        returns nothing, or a result in %rax; may be static
 *
 * What it changes: RP_CLOBBER_RAX | RP_CLOBBER_FLAGS. Its stack may come
 * unaligned; that of @func is aligned. (Attributes of compilers do not serve:
 * no_caller_saved_registers and preserve_most restore the result's register in
 * some versions of clang.)
 */
#define RP_OP_THUNK(name, func)						\
	RP__EXTERN_C RP__HIDDEN __typeof__(func) name;			\
	RP__EXTERN_C RP__HIDDEN void *rp_op_thunk__##name;		\
	RP__ASM_VISIBLE void *rp_op_thunk__##name =			\
		__extension__ (void *)(func);				\
	RP__DEFINE_OP_THUNK(name)

/**
 * rp_op_asm() - call a member with operands and clobbers of its own. A
 * statement, in any function.
 * @name:     a declared or defined table
 * @member:   a function pointer in it
 * @outputs:  RP_OUTPUTS(...) or RP_NONE, see <repoint/alternative.h>
 * @inputs:   RP_INPUTS(...) or RP_NONE
 * @clobbers: RP_CLOBBERS(...) or RP_NONE; memory and flags always are
 *
 * The site records itself, and is aligned: no annotation is needed. The red
 * zone is stepped over, two more instructions, unless RP_NO_RED_ZONE is defined
 * before this header is included, in files compiled with -mno-red-zone. The
 * stack may not be aligned at the call: see RP_OP_THUNK().
 */
#define rp_op_asm(name, member, outputs, inputs, clobbers)		\
	__asm__ __volatile__(RP__OP_CALL				\
			     : outputs					\
			     : inputs RP__OP_FRAME			\
			       [rp_slot] "i" (&(name).member)		\
			     : clobbers "cc", "memory")

#endif /* __ASSEMBLER__ */

#endif /* REPOINT_OPS_H */
