/* SPDX-License-Identifier: MIT */
/*
 * Unwind stacks of x86-64 programs by table: which function called which.
 *
 * Overview
 * --------
 *   int  rp_unwind_table_open(path, &table);     a file: DIR/<build ID>.orc
 *   int  rp_unwind_table_open_fd(fd, &table);
 *   int  rp_unwind_table_from_memory(&sections, &table);
 *   void rp_unwind_table_close(table);
 *   const void *rp_unwind_table_build_id(table, &size);
 *
 *   int  rp_unwind_space_add(&space, &module);   whose code is where
 *   int  rp_unwind_space_add_self(&space, directory, &missing);
 *   void rp_unwind_space_close(&space);
 *
 *   int  rp_unwind_here(&frame);                 where to begin
 *   void rp_unwind_from_ucontext(&frame, ucontext);
 *   void rp_unwind_from_user_regs(&frame, regs);
 *
 *   int  rp_unwind_step(&space, &memory, &frame);
 *
 * Example
 * -------
 *   struct rp_unwind_module modules[64];
 *   struct rp_unwind_space space = { sizeof(space), modules, 0, 64 };
 *   struct rp_unwind_memory memory = RP_UNWIND_MEMORY_OWN;
 *   struct rp_unwind_frame frame;
 *
 *   rp_unwind_space_add_self(&space, "/usr/lib/orc", NULL);
 *   ...
 *   rp_unwind_here(&frame);
 *   do
 *           printf("%#llx\n", (unsigned long long)frame.ip);
 *   while (rp_unwind_step(&space, &memory, &frame) == 1);
 *
 * Tables are made by `repoint object orc --from-eh-frame -o DIRECTORY FILE...`.
 *
 * How it works
 * ------------
 * A table says for each address of the code where the caller's stack pointer
 * is: a register, or a word in memory, and a number to add. The return address
 * is below that; so may be the caller's %rbp, the one register that is followed
 * besides. docs/unwind.md has the format. A step looks up the module, then the
 * entry (both by bisection, the latter within a block of 256 bytes), and reads
 * one or two words of the stack.
 *
 * Rules and pitfalls
 * ------------------
 * - The tables must be those of the code: compare build IDs, as
 *   rp_unwind_space_add_self() does.
 * - A walk ends with 0 only at a frame whose table says that nobody called it:
 *   the start of the program, the start of a thread. Whoever has to know that a
 *   function is on no stack takes nothing but 0 for the end.
 * - A step that fails leaves the frame as it was.
 * - Walks end, whatever memory and tables hold: the stack pointer rises at
 *   every step but those that leave a signal handler's stack, and of those
 *   that do not rise only RP_UNWIND_TURNS_MAX are made.
 * - No table: no step (-ENOENT). That is code of just-in-time compilers, and
 *   the kernel's vDSO unless a table is made for it.
 * - A table file that is open is replaced by rename(2) only: it is mapped, and
 *   truncating it gives SIGBUS to its readers, as with shared objects.
 * - An object that is unloaded takes its module with it: a space belongs to
 *   what was loaded when it was made.
 * - What this does not do: exceptions, cleanups, values of other registers
 *   than %rsp and %rbp in callers.
 *
 * Cost
 * ----
 * No allocation, no lock, no system call in a step. Of a table that is open:
 * the file, mapped and shared, and 4 bytes for every 256 of code.
 * docs/benchmarks.md has the time of a step.
 */
#ifndef REPOINT_UNWIND_H
#define REPOINT_UNWIND_H

#include <repoint/compiler.h>

RP__BEGIN_DECLS

/** enum rp_unwind_reg - registers, by their numbers in instructions. */
enum rp_unwind_reg {
	RP_UNWIND_AX, RP_UNWIND_CX, RP_UNWIND_DX, RP_UNWIND_BX,
	RP_UNWIND_SP, RP_UNWIND_BP, RP_UNWIND_SI, RP_UNWIND_DI,
	RP_UNWIND_R8, RP_UNWIND_R9, RP_UNWIND_R10, RP_UNWIND_R11,
	RP_UNWIND_R12, RP_UNWIND_R13, RP_UNWIND_R14, RP_UNWIND_R15,
	RP_UNWIND_REG_NR
};

/** RP_UNWIND_BIT() - of a register in rp_unwind_frame.valid. */
#define RP_UNWIND_BIT(reg)	(1u << (reg))

/** RP_UNWIND_ALL - every register is valid. */
#define RP_UNWIND_ALL		0xffffu

/**
 * RP_UNWIND_EXACT - in rp_unwind_frame.flags: @ip is the instruction that runs
 * next, as in an interrupted function; else it is a return address, and the
 * call before it is what counts.
 */
#define RP_UNWIND_EXACT		1u

/** RP_UNWIND_TURNS_MAX - steps of a walk to a lower stack pointer. */
#define RP_UNWIND_TURNS_MAX	64u

/**
 * struct rp_unwind_frame - a function on a stack. Of an architecture: never
 * grows.
 * @ip:    address in the function
 * @reg:   registers there; a CALL was executed if @ip is a return address
 * @valid: which of @reg are known; RP_UNWIND_SP always has to be
 * @flags: RP_UNWIND_EXACT
 * @turns: 0 at the start of a walk; internal
 * @reserved: 0
 */
struct rp_unwind_frame {
	uint64_t ip;
	uint64_t reg[RP_UNWIND_REG_NR];
	uint32_t valid;
	uint32_t flags;
	uint32_t turns;
	uint32_t reserved;
};

/**
 * rp_unwind_read_fn - reads memory of the target.
 * @context: rp_unwind_memory.context
 * @address: in the target
 * @buffer:  where to put it
 * @size:    bytes, all or nothing
 *
 * Return: 0, or a negative errno, which rp_unwind_step() returns.
 */
typedef int rp_unwind_read_fn(void *context, uint64_t address, void *buffer,
			      size_t size);

/**
 * struct rp_unwind_memory - the target's memory.
 * @sz:      sizeof(struct rp_unwind_memory)
 * @start:   what has the addresses from @start
 * @end:     to before @end in the target,
 * @bytes:   is here: a copy of a stack, or the stack itself
 * @read:    for other addresses; NULL: -EFAULT
 * @context: for @read
 */
struct rp_unwind_memory {
	size_t sz;
	uint64_t start;
	uint64_t end;
	const void *bytes;
	rp_unwind_read_fn *read;
	void *context;
};

/**
 * RP_UNWIND_MEMORY_OWN - initializer: all memory of this process, directly, for
 * walks that begin at rp_unwind_here(). A stack that is damaged ends in SIGSEGV;
 * so may one that a signal interrupted, since what compilers say of the last
 * instructions of a function is not always right. There, name the stack's
 * bounds, and rp_unwind_read_process() for the rest.
 */
#define RP_UNWIND_MEMORY_OWN						\
	{ sizeof(struct rp_unwind_memory), 0, UINT64_MAX, NULL, NULL, NULL }

/**
 * struct rp_unwind_process - memory of a process, one page kept. For one walk
 * at a time.
 * @pid:   whose; one's own is allowed
 * @size:  bytes of @page that are valid; 0 when the process may have run since
 * @start: address of @page
 */
struct rp_unwind_process {
	int pid;
	uint32_t size;
	uint64_t start;
	unsigned char page[4096];
};

/**
 * rp_unwind_read_process() - an rp_unwind_read_fn: process_vm_readv(2), once
 * for a page.
 * @context: struct rp_unwind_process *
 *
 * Return: 0; -EFAULT; -EPERM, -ESRCH, -ENOSYS.
 * Thread safe, async-signal-safe; @context is neither.
 */
RP_API int rp_unwind_read_process(void *context, uint64_t address,
				  void *buffer, size_t size);

struct rp_unwind_table;

/**
 * struct rp_unwind_sections - a table in memory; docs/unwind.md has the format.
 * @sz:           sizeof(struct rp_unwind_sections)
 * @ip_address:   what the values in @ip are relative to: the address of the
 *                first, in the binary
 * @ip:           .orc_unwind_ip
 * @entries:      .orc_unwind
 * @wide:         .orc_unwind_wide, may be NULL
 * @build_id:     of the binary, may be NULL
 */
struct rp_unwind_sections {
	size_t sz;
	uint64_t ip_address;
	const void *ip;
	size_t ip_size;
	const void *entries;
	size_t entries_size;
	const void *wide;
	size_t wide_size;
	const void *build_id;
	size_t build_id_size;
};

/**
 * rp_unwind_table_from_memory() - a table that is in memory already.
 * @sections: what they point to is not copied, and need not be aligned
 * @ret:      the table; untouched on failure
 *
 * Return: 0; -EINVAL: sizes that do not fit together, or addresses that are not
 * sorted; -ENOMEM; -ENOTSUP on big-endian machines.
 *
 * Thread safe; not async-signal-safe, like the other functions on tables.
 */
RP_API int rp_unwind_table_from_memory(
	const struct rp_unwind_sections *sections,
	struct rp_unwind_table **ret);

/**
 * rp_unwind_table_open() - map a table file, or a binary with a table in it.
 * @path: the file
 * @ret:  the table; untouched on failure
 *
 * Return: 0; -EINVAL: no such file format, no table, or a damaged one;
 * -EPROTONOSUPPORT: a table of another version; -ENOMEM; -ENOTSUP; what
 * open(2), fstat(2) and mmap(2) have to say.
 */
RP_API int rp_unwind_table_open(const char *path, struct rp_unwind_table **ret);

/** rp_unwind_table_open_fd() - the same; @fd may be closed afterwards. */
RP_API int rp_unwind_table_open_fd(int fd, struct rp_unwind_table **ret);

/** rp_unwind_table_close() - no space may refer to it any more. NULL: nothing. */
RP_API void rp_unwind_table_close(struct rp_unwind_table *table);

/**
 * rp_unwind_table_build_id() - of the binary that the table is about.
 * @size: where to put its size in bytes
 *
 * Return: the ID, valid as long as the table; NULL if there is none.
 * Async-signal-safe.
 */
RP_API const void *rp_unwind_table_build_id(
	const struct rp_unwind_table *table, size_t *size);

/**
 * struct rp_unwind_module - code in the target. Never grows.
 * @table: what is known of it
 * @start: of code in the target; @end: one past it
 * @bias:  address in the target minus address in the table's binary; of a line
 *         of /proc/PID/maps: start - offset + p_offset - p_vaddr of the PT_LOAD
 *         header that the offset is in (docs/unwind.md)
 * @owned: rp_unwind_space_close() closes @table
 */
struct rp_unwind_module {
	const struct rp_unwind_table *table;
	uint64_t start;
	uint64_t end;
	uint64_t bias;
	uint64_t owned;
};

/**
 * struct rp_unwind_space - all modules of a target; owned by the caller, who
 * changes it only while nobody walks by it.
 * @sz:      sizeof(struct rp_unwind_space)
 * @modules: sorted by @start, without overlaps
 * @nr:      how many there are
 * @room:    how many there is room for
 */
struct rp_unwind_space {
	size_t sz;
	struct rp_unwind_module *modules;
	size_t nr;
	size_t room;
};

/**
 * rp_unwind_space_add() - add a module, at its place.
 *
 * Return: 0; -EINVAL: no table, or @end is not above @start; -EEXIST: overlaps
 * another; -ENOSPC: @room is used up. The space is as before then.
 * Async-signal-safe.
 */
RP_API int rp_unwind_space_add(struct rp_unwind_space *space,
			       const struct rp_unwind_module *module);

/**
 * rp_unwind_space_add_self() - add what is loaded in this process.
 * @space:     what is in it already stays
 * @directory: where DIRECTORY/<build ID in hexadecimal>.orc may be; NULL: only
 *             FILE.orc is looked for, beside each FILE
 * @missing:   how many objects have no table; may be NULL; untouched on failure
 *
 * A table counts if its build ID is that of the object as it is in memory: an
 * object without a build ID is one without table. Objects whose code is in the
 * space already are passed over.
 *
 * Return: how many were added; -EINVAL and -EPROTONOSUPPORT: a table file is
 * there, but damaged or of another version; -ENOSPC: @room is used up; -ENOMEM;
 * -ENOTSUP. On failure the space is as before. One table file that is damaged
 * fails the whole call: without it stacks would end early, and nobody would know
 * why. Which one it is, a warning says (<repoint/log.h>, category object), to the
 * log callback or, with RP_LOG=object, on standard error.
 *
 * Thread safe, as far as the space is; not async-signal-safe.
 */
RP_API int rp_unwind_space_add_self(struct rp_unwind_space *space,
				    const char *directory, size_t *missing);

/** rp_unwind_space_close() - empty it, and close the tables that it owns. */
RP_API void rp_unwind_space_close(struct rp_unwind_space *space);

/**
 * rp_unwind_here() - the frame of the caller, as it is after this call.
 * @frame: all of it is set; valid are the registers that calls preserve
 *
 * The frame serves as long as the function that called this one has not
 * returned and has not moved its stack pointer.
 *
 * Return: 0; -ENOTSUP where this is not x86-64. Async-signal-safe.
 */
RP_API int rp_unwind_here(struct rp_unwind_frame *frame);

/**
 * rp_unwind_from_ucontext() - what a signal interrupted.
 * @frame:    all of it is set
 * @ucontext: third argument of a handler with SA_SIGINFO, on x86-64
 *
 * Async-signal-safe.
 */
RP_API void rp_unwind_from_ucontext(struct rp_unwind_frame *frame,
				    const void *ucontext);

/**
 * rp_unwind_from_user_regs() - where a thread is that a tracer stopped.
 * @frame: all of it is set
 * @regs:  struct user_regs_struct, as PTRACE_GETREGS gives it on x86-64
 *
 * Async-signal-safe.
 */
RP_API void rp_unwind_from_user_regs(struct rp_unwind_frame *frame,
				     const void *regs);

/**
 * rp_unwind_step() - from a frame to the one that called it.
 * @space:  whose code is where
 * @memory: where stacks can be read
 * @frame:  becomes that of the caller, or stays as it is
 *
 * Return: 1: @frame is the caller's; 0: nobody called it. Or:
 * -ENOENT  no module has this address
 * -ENODATA its table knows nothing of this address, or needs a register that
 *          is not valid here
 * -EFAULT  memory is out of reach; or what @memory->read returned. If only
 *          the caller's %rbp is, that is not valid in @frame, and no failure
 * -EINVAL  the entry of the table is damaged, or the stack: the stack pointer
 *          would not rise
 * -ELOOP   more than RP_UNWIND_TURNS_MAX steps downwards
 *
 * Thread safe; async-signal-safe if @memory->read is.
 */
RP_API int rp_unwind_step(const struct rp_unwind_space *space,
			  const struct rp_unwind_memory *memory,
			  struct rp_unwind_frame *frame);

RP__END_DECLS

#endif /* REPOINT_UNWIND_H */
