// SPDX-License-Identifier: MIT
/*
 * A signal frame, as the kernel writes it, with which a thread restores itself.
 *
 *   red zone      128 bytes below the thread's rsp that are its own
 *   vector state  as XSAVE writes it, at a multiple of 64, then 4 magic bytes
 *   frame         return address, struct ucontext, siginfo
 *
 * rt_sigreturn() takes the frame to begin 8 bytes below rsp: the return address
 * has been popped. Layouts are those of arch/x86/include/uapi/asm/sigcontext.h
 * and ucontext.h; the C library's ucontext_t is another one.
 *
 * The alternate signal stack cannot be seen from outside. rt_sigreturn() sets
 * what the frame says, but ignores that it is not valid: so it is not.
 */
#define _GNU_SOURCE
#include "inject.h"

#include <cpuid.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#define RED_ZONE		128u
#define SLACK			1024u
#define XSTATE_ALIGN		64u
#define XSTATE_MAX		65536u
#define FXSAVE_SIZE		512u
#define XSAVE_HEADER		64u
#define XSTATE_MASK_AT		464u	/* in what PTRACE_GETREGSET returns */
#define FP_MAGIC1		0x46505853u
#define FP_MAGIC2		0x46505845u
#define UC_HAS_XSTATE		1u
#define UC_HAS_SS		2u
#define UC_KEEP_SS		4u
#define NO_ALTSTACK		0x5a5a	/* no mode that there is: -EINVAL */
#define FEATURE_TILE_DATA	18u	/* permitted to a process on request */

struct sigcontext64 {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
	uint16_t cs, gs, fs, ss;
	uint64_t err, trapno, oldmask, cr2;
	uint64_t fpstate;
	uint64_t reserved[8];
};

struct frame {
	uint64_t pretcode;
	uint64_t uc_flags, uc_link;
	uint64_t stack_sp;
	int32_t stack_flags;
	uint32_t pad;
	uint64_t stack_size;
	struct sigcontext64 mc;
	uint64_t mask;
	uint8_t siginfo[128];
};

_Static_assert(sizeof(struct sigcontext64) == 256, "as the kernel's");
_Static_assert(offsetof(struct frame, mask) == 8 + 296, "as the kernel's");

/* struct _fpx_sw_bytes of the kernel, at 464 in the FXSAVE image. */
struct fx_sw {
	uint32_t magic1, extended_size;
	uint64_t features;
	uint32_t xstate_size;
	uint32_t reserved[7];
};

_Static_assert(XSTATE_MASK_AT + sizeof(struct fx_sw) == FXSAVE_SIZE,
	       "the end of the FXSAVE image");

/* Vector state as it goes onto the stack. */
struct xstate {
	uint8_t *bytes;
	size_t size;		/* magic 2 included */
	bool extended;
};

static int get_regset(pid_t tid, int type, void *buffer, size_t *size)
{
	struct iovec iov = { buffer, *size };

	if (ptrace(PTRACE_GETREGSET, tid, (void *)(long)type, &iov))
		return -errno;
	*size = iov.iov_len;
	return 0;
}

/* Bytes of an XSAVE image in standard format that has these features. */
static size_t xsave_size(uint64_t features)
{
	size_t size = FXSAVE_SIZE + XSAVE_HEADER;

	for (unsigned int i = 2; i < 63; i++) {
		unsigned int eax, ebx, ecx, edx;

		if (!(features >> i & 1) ||
		    !__get_cpuid_count(0xd, i, &eax, &ebx, &ecx, &edx))
			continue;
		if (ebx + eax > size)
			size = ebx + eax;
	}
	return size;
}

/*
 * The kernel refuses an image that is larger than what the thread may have, and
 * then restores but SSE: tile registers only if they are in use.
 */
static void describe(struct xstate *x, size_t got)
{
	struct fx_sw sw = { .magic1 = FP_MAGIC1 };
	uint64_t in_use;
	size_t size;

	memcpy(&sw.features, x->bytes + XSTATE_MASK_AT, sizeof(sw.features));
	memcpy(&in_use, x->bytes + FXSAVE_SIZE, sizeof(in_use));
	if (!(in_use >> FEATURE_TILE_DATA & 1))
		sw.features &= ~(1ull << FEATURE_TILE_DATA);
	size = xsave_size(sw.features);
	if (size > got)
		size = got;
	sw.xstate_size = size;
	sw.extended_size = size + sizeof(uint32_t);
	memcpy(x->bytes + XSTATE_MASK_AT, &sw, sizeof(sw));
	memcpy(x->bytes + size, &(uint32_t){ FP_MAGIC2 }, sizeof(uint32_t));
	x->size = size + sizeof(uint32_t);
	x->extended = true;
}

static int read_xstate(pid_t tid, struct xstate *x)
{
	size_t size = XSTATE_MAX;
	int ret;

	x->bytes = calloc(1, XSTATE_MAX + sizeof(uint32_t));
	if (!x->bytes)
		return -ENOMEM;
	ret = get_regset(tid, NT_X86_XSTATE, x->bytes, &size);
	if (!ret && size >= FXSAVE_SIZE + XSAVE_HEADER) {
		describe(x, size);
		return 0;
	}
	if (ret == -ESRCH)
		return ret;
	// A processor without XSAVE.
	size = FXSAVE_SIZE;
	ret = get_regset(tid, NT_PRFPREG, x->bytes, &size);
	if (ret)
		return ret;
	memset(x->bytes + XSTATE_MASK_AT, 0, sizeof(struct fx_sw));
	x->size = FXSAVE_SIZE;
	x->extended = false;
	return 0;
}

static void fill(struct frame *f, const struct user_regs_struct *r)
{
	f->mc = (struct sigcontext64){
		.r8 = r->r8, .r9 = r->r9, .r10 = r->r10, .r11 = r->r11,
		.r12 = r->r12, .r13 = r->r13, .r14 = r->r14, .r15 = r->r15,
		.rdi = r->rdi, .rsi = r->rsi, .rbp = r->rbp, .rbx = r->rbx,
		.rdx = r->rdx, .rax = r->rax, .rcx = r->rcx, .rsp = r->rsp,
		.rip = r->rip, .eflags = r->eflags,
		.cs = r->cs, .ss = r->ss,
	};
}

/* Restart by hand: the frame is used only if nobody is left to let the kernel
 * do it. Restart blocks (-516) start again with the whole time. */
static void restart(struct frame *f, const struct user_regs_struct *r)
{
	if (!rp_thread_restarts(r))
		return;
	f->mc.rip -= 2;
	f->mc.rax = r->orig_rax;
}

int rp_signal_frame_write(const struct rp_target *target, pid_t tid,
			  const struct user_regs_struct *regs, uint64_t mask,
			  uint64_t sigreturn, uint64_t low, uint64_t *ret)
{
	struct xstate x = { 0 };
	struct frame f = {
		.pretcode = sigreturn, .stack_flags = NO_ALTSTACK, .mask = mask,
		.uc_flags = UC_HAS_SS | UC_KEEP_SS,
	};
	uint64_t at, vectors;
	int err = read_xstate(tid, &x);

	if (err)
		goto out;
	fill(&f, regs);
	restart(&f, regs);
	vectors = (regs->rsp - RED_ZONE - x.size) & ~(uint64_t)(XSTATE_ALIGN - 1);
	at = ((vectors - sizeof(f)) & ~(uint64_t)15) - 8;
	if (regs->rsp < low + RED_ZONE + x.size + XSTATE_ALIGN + sizeof(f) + SLACK) {
		err = -ENOSPC;
		goto out;
	}
	f.mc.fpstate = vectors;
	if (x.extended)
		f.uc_flags |= UC_HAS_XSTATE;
	err = rp_target_write(target, vectors, x.bytes, x.size);
	if (!err)
		err = rp_target_write(target, at, &f, sizeof(f));
	if (!err)
		*ret = at;
out:
	free(x.bytes);
	return err;
}

/* Restartable sequences: what the kernel does before it delivers a signal. */

#ifndef PTRACE_GET_RSEQ_CONFIGURATION
#define PTRACE_GET_RSEQ_CONFIGURATION	0x420f
#endif
#define RSEQ_CS_AT	8u	/* in struct rseq */

struct rseq_configuration {
	uint64_t rseq;
	uint32_t size, signature, flags, pad;
};

struct rseq_section {
	uint32_t version, flags;
	uint64_t start, length, abort;
};

int rp_rseq_abort(const struct rp_target *target, pid_t tid,
		  struct user_regs_struct *regs)
{
	struct rseq_configuration config = { 0 };
	struct rseq_section section;
	uint64_t at;
	int ret;

	// Kernels before 5.13 do not tell.
	if (ptrace(PTRACE_GET_RSEQ_CONFIGURATION, tid,
		   (void *)sizeof(config), &config) < 0)
		return errno == ESRCH ? -ESRCH : 0;
	if (!config.rseq)
		return 0;
	ret = rp_target_read(target, config.rseq + RSEQ_CS_AT, &at, sizeof(at));
	if (ret || !at)
		return ret;
	ret = rp_target_read(target, at, &section, sizeof(section));
	if (!ret && regs->rip - section.start < section.length)
		regs->rip = section.abort;
	return ret;
}
