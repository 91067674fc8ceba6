/* SPDX-License-Identifier: MIT */
/*
 * One patchable instruction at a chosen offset of a cache line.
 *
 * The region, low to high:
 *
 *   page 0   no access
 *   page 1   text: the site in one of the middle lines, its way in before it,
 *            `ret` behind it, the stubs at the end
 *   ...      no access, but for the pages of the 16 pads
 *
 * All bytes of both displacements are below 0x80, as are the NOP's, so every
 * mix of any two states leads upwards and stays inside the region.
 */
#define _GNU_SOURCE
#include "site.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

enum {
	PAGE = 4096,
	TEXT_PAGE = PAGE,
	LINE_AT = 0x400,	/* of the site's line in the text page */
	STUBS_AT = 0xc00,
	STUB_SIZE = 16,
	REL32_SIZE = 4,
	PAD_SIZE = 6,
	ENTRY_FAR_NOPS = 24,
};

/* Larger than 0x22224422, the highest displacement that bytes can mix to. */
#define REGION_SIZE	((size_t)0x23000000)

static const uint32_t displacement[2] = { 0x11111111, 0x22222222 };

static const unsigned char nop5[] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
static const unsigned char nop6[] = { 0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00 };

/* Bytes of B where the mask says so, else of A. */
static uint32_t mix(unsigned int mask)
{
	uint32_t bits = 0;

	for (unsigned int i = 0; i < REL32_SIZE; i++)
		if (mask & (1u << i))
			bits |= (uint32_t)0xff << (8 * i);
	return (displacement[1] & bits) | (displacement[0] & ~bits);
}

static void put_rel32(unsigned char *at, const unsigned char *target)
{
	int32_t rel = (int32_t)(target - (at + REL32_SIZE));

	memcpy(at, &rel, sizeof(rel));
}

static unsigned char *pad_address(const struct litmus_site *site,
				  unsigned int mask)
{
	return site->text + site->size + mix(mask);
}

static int protect_pad(unsigned char *pad, int prot)
{
	uintptr_t first = (uintptr_t)pad & ~(uintptr_t)(PAGE - 1);
	uintptr_t last = (uintptr_t)(pad + PAD_SIZE - 1) &
			 ~(uintptr_t)(PAGE - 1);

	if (mprotect((void *)first, last - first + PAGE, prot) < 0)
		return -errno;
	return 0;
}

static void write_pad(unsigned char *pad, unsigned int mask)
{
	uint32_t value = LITMUS_PAD | mask;

	pad[0] = 0xb8;				// mov $value, %eax
	memcpy(pad + 1, &value, sizeof(value));
	pad[5] = 0xc3;				// ret
}

/* Pads share pages, so all are open until the last one is written. */
static int write_pads(struct litmus_site *site)
{
	int err = 0;

	for (unsigned int mask = 0; mask < LITMUS_PAD_NR && !err; mask++) {
		unsigned char *pad = pad_address(site, mask);

		err = protect_pad(pad, PROT_READ | PROT_WRITE);
		if (!err)
			write_pad(pad, mask);
	}
	for (unsigned int mask = 0; mask < LITMUS_PAD_NR && !err; mask++)
		err = protect_pad(pad_address(site, mask),
				  PROT_READ | PROT_EXEC);
	return err;
}

static void encode_states(struct litmus_site *site)
{
	unsigned int prefix = site->size - sizeof(nop5);

	for (int state = LITMUS_CALL_A; state <= LITMUS_CALL_B; state++) {
		unsigned char *insn = site->insn[state];

		insn[0] = 0x67;			// addr32, with no effect
		insn[prefix] = 0xe8;		// call rel32
		memcpy(insn + prefix + 1, &displacement[state], REL32_SIZE);
	}
	memcpy(site->insn[LITMUS_NOP], prefix ? nop6 : nop5, site->size);
}

static void write_stubs(struct litmus_site *site, unsigned char *page)
{
	for (int state = 0; state < LITMUS_STATE_NR; state++) {
		unsigned char *stub = page + STUBS_AT + STUB_SIZE * state;

		site->stub[state] = stub;
		if (state != LITMUS_NOP) {
			unsigned int mask = state == LITMUS_CALL_B ?
					    LITMUS_PAD_NR - 1 : 0;

			*stub++ = 0xe8;		// call target
			put_rel32(stub, pad_address(site, mask));
			stub += REL32_SIZE;
		}
		*stub++ = 0xe9;			// jmp behind the site
		put_rel32(stub, site->text + site->size);
	}
}

/* uint32_t enter(uint32_t idle): eax = idle, then the site, then return. */
static void write_entry(struct litmus_site *site, unsigned char *page,
			enum litmus_entry entry)
{
	static const unsigned char mov[] = { 0x89, 0xf8 }; // mov %edi, %eax
	unsigned char *at = site->text - sizeof(mov);

	if (entry == LITMUS_ENTRY_FAR)
		at -= ENTRY_FAR_NOPS;
	if (entry == LITMUS_ENTRY_JUMP)
		at = page;
	site->enter = (uint32_t (*)(uint32_t))(uintptr_t)at;
	memcpy(at, mov, sizeof(mov));
	at += sizeof(mov);
	if (entry == LITMUS_ENTRY_FAR)
		memset(at, 0x90, ENTRY_FAR_NOPS);	// nop
	if (entry == LITMUS_ENTRY_JUMP) {
		*at++ = 0xe9;				// jmp site
		put_rel32(at, site->text);
	}
	site->text[site->size] = 0xc3;			// ret
}

int litmus_site_init(struct litmus_site *site, unsigned int offset,
		     unsigned int size, enum litmus_entry entry)
{
	memset(site, 0, sizeof(*site));
	site->size = size;
	site->region_size = REGION_SIZE;
	site->region = mmap(NULL, REGION_SIZE, PROT_NONE, MAP_PRIVATE |
			    MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (site->region == MAP_FAILED)
		return -errno;

	unsigned char *page = site->region + TEXT_PAGE;

	if (mprotect(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC) < 0)
		return -errno;
	memset(page, 0xcc, PAGE);			// int3
	site->text = page + LINE_AT + offset;
	encode_states(site);
	write_stubs(site, page);
	write_entry(site, page, entry);
	memcpy(site->text, site->insn[LITMUS_CALL_A], size);
	return write_pads(site);
}

int litmus_site_seal(struct litmus_site *site)
{
	if (mprotect(site->region + TEXT_PAGE, PAGE, PROT_READ | PROT_EXEC) < 0)
		return -errno;
	return 0;
}
