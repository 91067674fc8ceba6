// SPDX-License-Identifier: MIT
/*
 * A process with a function in anonymous memory, as a payload's, that waits with
 * it on the stack. What debuggers get is where the patcher would leave it: as a
 * file, in gdb's JIT list, in a record.
 *
 * usage: debuggee FILE [jit]; prints the address of the function
 */
#define _GNU_SOURCE
#include "../../../live/debugger.h"
#include "../../../live/record.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define FRAME	0x148

// Its frame cannot be guessed: there is no frame pointer, rbx is another value.
static const uint8_t code[] = {
	0x53,						// push %rbx
	0x48, 0x81, 0xec, 0x48, 0x01, 0x00, 0x00,	// sub $0x148, %rsp
	0x31, 0xdb,					// xor %ebx, %ebx
	0xff, 0xd7,					// call *%rdi
	0x48, 0x81, 0xc4, 0x48, 0x01, 0x00, 0x00,	// add $0x148, %rsp
	0x5b,						// pop %rbx
	0xc3,						// ret
};

static const uint8_t eh_frame[] = {
	20, 0, 0, 0,				// CIE
	0, 0, 0, 0,
	1, 'z', 'R', 0,
	1, 0x78, 16,				// units 1, -8; rip
	1, 0x1b,				// pcrel, 4 bytes
	0x0c, 7, 8,				// CFA is rsp + 8
	0x90, 1, 0, 0,				// rip at CFA - 8
	28, 0, 0, 0,				// FDE
	28, 0, 0, 0,
	0, 0, 0, 0,				// pc: filled in
	sizeof(code), 0, 0, 0,
	0,
	0x41, 0x0e, 16, 0x83, 2,		// behind the push
	0x47, 0x0e, 0xd8, 0x02,			// behind the sub: 344
	0, 0, 0, 0, 0, 0,
	0, 0, 0, 0,
};

#define PC_AT		32

struct jit_entry {
	uint64_t next, previous, file, size;
};

struct jit_descriptor {
	uint32_t version, action;
	uint64_t relevant, first;
};

struct jit_descriptor __jit_debug_descriptor = { 1, 0, 0, 0 };
void __jit_debug_register_code(void);

void __attribute__((noinline)) __jit_debug_register_code(void)
{
	__asm__ volatile("");
}

enum { RECORD, TEXT = 8, CONSTS, PAGES = 16 };

static struct jit_entry entry;
static uint8_t *memory;

static void wait_here(void)
{
	for (;;)
		pause();
}

static uint64_t address(int page)
{
	return (uint64_t)(uintptr_t)memory + page * RP_PAGE;
}

static void place(void)
{
	uint8_t *frames;
	int32_t pc;

	// Pages around it stay unmapped, or the kernel merges them.
	memory = mmap(NULL, (PAGES + 2) * RP_PAGE, PROT_NONE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		exit(1);
	memory += RP_PAGE;
	mprotect(memory, PAGES * RP_PAGE, PROT_READ | PROT_WRITE);
	munmap(memory - RP_PAGE, RP_PAGE);
	munmap(memory + PAGES * RP_PAGE, RP_PAGE);
	memcpy(memory + TEXT * RP_PAGE, code, sizeof(code));
	frames = memory + CONSTS * RP_PAGE;
	memcpy(frames, eh_frame, sizeof(eh_frame));
	pc = (int32_t)(address(TEXT) - address(CONSTS) - PC_AT);
	memcpy(frames + PC_AT, &pc, sizeof(pc));
}

static void *make_symbols(const char *path, size_t *size)
{
	const struct rp_symfile_symbol symbols[] = {
		{ "fixed_function", address(TEXT), sizeof(code), true },
		{ "fixed_limit", address(CONSTS + 1) + 8, 8, false },
		{ "fixed_low", address(RECORD) + 16, 8, false },
	};
	const struct rp_symfile symfile = {
		symbols, 3, address(TEXT), RP_PAGE, address(CONSTS),
		sizeof(eh_frame), memory + CONSTS * RP_PAGE,
	};
	struct rp_diag diag = { 0 };
	void *file;

	if (rp_symfile_make(&symfile, &file, size, &diag)) {
		fprintf(stderr, "%s\n", diag.text);
		exit(1);
	}
	FILE *out = fopen(path, "w");

	if (!out || fwrite(file, *size, 1, out) != 1 || fclose(out))
		exit(1);
	return file;
}

static void leave_record(const void *symbols, size_t size)
{
	struct rp_record *record = (void *)(memory + RECORD * RP_PAGE);

	*record = (struct rp_record){
		.region = {
			.magic = RP_REGION_MAGIC, .version = RP_REGION_VERSION,
			.kind = RP_REGION_PAYLOAD, .base = address(RECORD),
			.size = PAGES * RP_PAGE, .state = RP_STATE_APPLIED,
			.record_size = (uint32_t)(sizeof(*record) + 8 + size),
		},
		.name = 1, .strings = { sizeof(*record), 8 },
		.symbol_file = { sizeof(*record) + 8, (uint32_t)size },
	};
	record->parts[RP_RECORD_TEXT] =
		(struct rp_record_part){ address(TEXT), RP_PAGE };
	memcpy((char *)(record + 1), "\0fix-1", 7);
	memcpy((char *)(record + 1) + 8, symbols, size);
}

int main(int argc, char **argv)
{
	struct rp_target self = { .pid = getpid() };
	size_t size;

	if (argc < 2)
		return 64;
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	place();

	void *symbols = make_symbols(argv[1], &size);

	leave_record(symbols, size);
	mprotect(memory, TEXT * RP_PAGE, PROT_READ);
	mprotect(memory + TEXT * RP_PAGE, RP_PAGE, PROT_READ | PROT_EXEC);
	mprotect(memory + CONSTS * RP_PAGE, RP_PAGE, PROT_READ);
	if (argc > 2) {
		self.proc = open("/proc/self", O_PATH | O_DIRECTORY);
		self.mem = open("/proc/self/mem", O_RDWR);
		if (rp_jit_add(&self,
			       (uint64_t)(uintptr_t)&__jit_debug_descriptor,
			       (uint64_t)(uintptr_t)&entry,
			       (uint64_t)(uintptr_t)symbols, size))
			return 1;
	}
	printf("0x%llx\n", (unsigned long long)address(TEXT));
	fflush(stdout);
	((void (*)(void (*)(void)))(uintptr_t)address(TEXT))(wait_here);
	return 0;
}
