/* SPDX-License-Identifier: MIT */
/*
 * The ways to rewrite an instruction that other threads are running.
 *
 * None of them shares code with the library, but for the one that calls it:
 * what is tested here is the hardware, and the library is tested against it.
 */
#define _GNU_SOURCE
#include "protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <repoint/text_poke.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "trap.h"
#include "x86_64.h"

enum { INT3 = 0xcc, REL32_SIZE = 4 };

bool litmus_fits(unsigned int first, unsigned int len, unsigned int block)
{
	return first / block == (first + len - 1) / block;
}

static bool in_block(unsigned int offset, unsigned int size,
		     unsigned int block)
{
	return litmus_fits(offset, size, block);
}

static bool across_blocks(unsigned int offset, unsigned int size,
			  unsigned int block)
{
	return !litmus_fits(offset, size, block);
}

static bool in_word(unsigned int offset, unsigned int size, unsigned int block)
{
	(void)block;
	return litmus_fits(offset, size, 8);
}

// ---- plain stores ----

static int store4(struct litmus_writer *writer, enum litmus_state from,
		  enum litmus_state to)
{
	const struct litmus_site *site = writer->site;
	unsigned int at = site->size - REL32_SIZE;
	uint32_t value;

	(void)from;
	memcpy(&value, site->insn[to] + at, sizeof(value));
	one_store_4(site->text + at, value);
	return 0;
}

/* One store of the 8 bytes at @at, which contain the site. */
static void store_word(const struct litmus_site *site, unsigned char *at,
		       enum litmus_state to)
{
	unsigned char word[8];
	uint64_t value;

	memcpy(word, at, sizeof(word));
	memcpy(word + (site->text - at), site->insn[to], site->size);
	memcpy(&value, word, sizeof(value));
	one_store_8(at, value);
}

/*
 * As the engine does: the aligned word if the site is inside of one, else the
 * last 8 bytes of the block, or those from the site's first one.
 */
static int store8(struct litmus_writer *writer, enum litmus_state from,
		  enum litmus_state to)
{
	const struct litmus_site *site = writer->site;
	uintptr_t text = (uintptr_t)site->text;
	unsigned int in = text % writer->block;
	unsigned int back = 0;

	(void)from;
	if (text % 8 + site->size <= 8)
		back = text % 8;
	else if (in + 8 > writer->block)
		back = in + 8 - writer->block;
	store_word(site, site->text - back, to);
	return 0;
}

static int cross8(struct litmus_writer *writer, enum litmus_state from,
		  enum litmus_state to)
{
	(void)from;
	store_word(writer->site, writer->site->text, to);
	return 0;
}

static int bytes(struct litmus_writer *writer, enum litmus_state from,
		 enum litmus_state to)
{
	const struct litmus_site *site = writer->site;

	(void)from;
	for (unsigned int i = 0; i < site->size; i++)
		one_store_1(site->text + i, site->insn[to][i]);
	return 0;
}

// ---- breakpoint ----

static int sync_cores(void)
{
	if (syscall(SYS_membarrier,
		    MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0) < 0)
		return -errno;
	return 0;
}

static int int3_prepare(struct litmus_writer *writer)
{
	if (syscall(SYS_membarrier,
		    MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE,
		    0, 0) < 0) {
		writer->why = "membarrier(SYNC_CORE)";
		return -errno;
	}
	return litmus_trap_init(writer->site);
}

static int no_sync(void)
{
	return 0;
}

static int breakpoint(struct litmus_writer *writer, enum litmus_state to,
		      int (*sync)(void))
{
	const struct litmus_site *site = writer->site;
	int err;

	writer->why = "membarrier(SYNC_CORE)";
	litmus_trap_expect(to);
	one_store_1(site->text, INT3);
	err = sync();
	if (err)
		return err;
	// Byte by byte, for the protocol must not depend on how.
	for (unsigned int i = 1; i < site->size; i++)
		one_store_1(site->text + i, site->insn[to][i]);
	err = sync();
	if (err)
		return err;
	one_store_1(site->text, site->insn[to][0]);
	return sync();
}

static int int3(struct litmus_writer *writer, enum litmus_state from,
		enum litmus_state to)
{
	(void)from;
	return breakpoint(writer, to, sync_cores);
}

static int int3_nosync(struct litmus_writer *writer, enum litmus_state from,
		       enum litmus_state to)
{
	(void)from;
	return breakpoint(writer, to, no_sync);
}

static int int3_nosync_prepare(struct litmus_writer *writer)
{
	return litmus_trap_init(writer->site);
}

// ---- through the kernel ----

static int procmem5_prepare(struct litmus_writer *writer)
{
	writer->why = "open /proc/self/mem";
	writer->mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	if (writer->mem < 0)
		return -errno;
	return litmus_site_seal(writer->site);
}

static int procmem5(struct litmus_writer *writer, enum litmus_state from,
		    enum litmus_state to)
{
	const struct litmus_site *site = writer->site;

	(void)from;
	writer->why = "write to /proc/self/mem";
	if (pwrite(writer->mem, site->insn[to], site->size,
		   (off_t)(uintptr_t)site->text) != (ssize_t)site->size)
		return errno ? -errno : -EIO;
	return 0;
}

// ---- the library ----

static int engine_prepare(struct litmus_writer *writer)
{
	return litmus_site_seal(writer->site);
}

static int engine(struct litmus_writer *writer, enum litmus_state from,
		  enum litmus_state to)
{
	static struct rp_error error;
	struct litmus_site *site = writer->site;
	struct rp_text_poke_opts opts = {
		.sz = sizeof(opts),
		.error = &error,
	};
	int err = rp_text_poke_single(site->text, site->insn[from],
				      site->insn[to], site->size, &opts);

	writer->why = error.message;
	return err;
}

static uint64_t engine_traps(void)
{
	struct rp_text_poke_stats stats = { .sz = sizeof(stats) };

	rp_text_poke_get_stats(&stats);
	return stats.traps;
}

const struct litmus_protocol litmus_protocols[LITMUS_PROTOCOL_NR] = {
	{ "engine", LITMUS_SHIPPED, 3,
	  "rp_text_poke_single() of the library, whichever way it chooses",
	  NULL, engine_prepare, engine, engine_traps },
	{ "store8", LITMUS_SHIPPED, 3,
	  "one store of 8 bytes; the instruction is inside an aligned block",
	  in_block, NULL, store8, NULL },
	{ "int3", LITMUS_SHIPPED, 3,
	  "breakpoint, sync, tail, sync, first byte, sync",
	  NULL, int3_prepare, int3, NULL },
	{ "store4", LITMUS_PROBE, 2,
	  "one store of the 4 bytes of a call's displacement",
	  NULL, NULL, store4, NULL },
	{ "cross8", LITMUS_PROBE, 3,
	  "one store of 8 bytes; the instruction crosses an aligned block",
	  across_blocks, NULL, cross8, NULL },
	{ "procmem5", LITMUS_UNSOUND, 3,
	  "pwrite of the instruction to /proc/self/mem, in an aligned word",
	  in_word, procmem5_prepare, procmem5, NULL },
	{ "int3-nosync", LITMUS_UNSOUND, 3,
	  "breakpoint, tail, first byte; no sync between them",
	  NULL, int3_nosync_prepare, int3_nosync, NULL },
	{ "bytes", LITMUS_UNSOUND, 2,
	  "one store for each byte",
	  NULL, NULL, bytes, NULL },
};

const struct litmus_protocol *litmus_protocol_find(const char *name,
						   size_t len)
{
	for (size_t i = 0; i < LITMUS_PROTOCOL_NR; i++) {
		const char *known = litmus_protocols[i].name;

		if (strlen(known) == len && !memcmp(known, name, len))
			return &litmus_protocols[i];
	}
	return NULL;
}
