/* SPDX-License-Identifier: MIT */
/* Placing payloads: their code is run in this process. */
#define _GNU_SOURCE
#include "sample.h"

#include "../../payload/place.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define TEXT_FLAGS	(SHF_ALLOC | SHF_EXECINSTR)
#define DATA_FLAGS	(SHF_ALLOC | SHF_WRITE)

static __thread int tls_variable = 4711;
static __thread int tls_other = 4712;
static int variable = 42;

static int far_function(int x)
{
	return x + 1000;
}

/* Where the symbols of these tests are, by name. */
struct world {
	uint64_t near;		/* of "near", or 0 */
	unsigned int asked;
	enum rp_resolve last;
};

static uint64_t thread_pointer(void)
{
	uint64_t tp;

	__asm__("mov %%fs:0, %0" : "=r"(tp));
	return tp;
}

static size_t own_module(void)
{
	void *self = dlopen(NULL, RTLD_NOW);
	size_t module = 0;

	assert_int_equal(dlinfo(self, RTLD_DI_TLS_MODID, &module), 0);
	dlclose(self);
	return module;
}

void *__tls_get_addr(size_t *index);

static uint64_t tls_offset(uint64_t address)
{
	size_t start[2] = { own_module(), 0 };

	return address - (uint64_t)__tls_get_addr(start);
}

static uint64_t address_of(const struct world *world, const char *name)
{
	if (!strcmp(name, "variable"))
		return (uint64_t)&variable;
	if (!strcmp(name, "far_function"))
		return (uint64_t)far_function;
	if (!strcmp(name, "near"))
		return world->near;
	if (!strcmp(name, "__tls_get_addr"))
		return (uint64_t)__tls_get_addr;
	if (!strcmp(name, "tls_variable"))
		return (uint64_t)&tls_variable;
	if (!strcmp(name, "tls_other"))
		return (uint64_t)&tls_other;
	return 0;
}

static int resolve(void *context, const struct rp_payload *payload,
		   const struct rp_payload_binding *binding,
		   enum rp_resolve what, uint64_t *ret, struct rp_diag *diag)
{
	struct world *world = context;
	uint64_t address = address_of(world, rp_payload_string(payload,
							binding->name));

	(void)diag;
	world->asked++;
	world->last = what;
	if (!address)
		return -ENOENT;
	switch (what) {
	case RP_RESOLVE_ADDRESS:
		*ret = address;
		break;
	case RP_RESOLVE_TP_OFFSET:
		*ret = address - thread_pointer();
		break;
	case RP_RESOLVE_TLS_MODULE:
		*ret = own_module();
		break;
	case RP_RESOLVE_TLS_OFFSET:
		*ret = tls_offset(address);
		break;
	default:
		return -EINVAL;
	}
	return 0;
}

/* A payload that is being tested; everything of it is freed by end(). */
struct placed {
	struct sample s;
	struct image image;
	struct rp_payload payload;
	struct rp_placement placement;
	struct world world;
	struct rp_diag diag;
	uint8_t *memory;	/* where the image is */
};

static void begin(struct placed *p)
{
	memset(p, 0, sizeof(*p));
	sample_init(&p->s);
}

static uint32_t text(struct placed *p, const void *code, size_t size)
{
	return sample_section(&p->s, ".text.t", SHT_PROGBITS, TEXT_FLAGS, 16,
			      code, size);
}

static uint32_t import(struct placed *p, const char *name, uint32_t kind,
		       uint32_t flags)
{
	uint32_t symbol = sample_symbol(&p->s, name, STB_GLOBAL, STT_NOTYPE, 0,
					0, 0);

	sample_bind(&p->s, symbol, kind, flags, name);
	return symbol;
}

static void lay_out(struct placed *p)
{
	assert_int_equal(sample_write(&p->s, &p->image), 0);
	assert_int_equal(rp_payload_open(&p->payload, p->image.bytes,
					 p->image.size, &p->diag), 0);
	assert_int_equal(rp_placement_init(&p->placement, &p->payload,
					   &p->diag), 0);
	assert_true(p->placement.size % RP_PLACE_PAGE == 0);
}

static int relocate_at(struct placed *p, uint64_t base, uint8_t *bytes)
{
	const struct rp_resolver resolver = { resolve, &p->world };

	memset(bytes, 0xa5, p->placement.size);
	return rp_placement_relocate(&p->placement, base, bytes, &resolver,
				     &p->diag);
}

static void protect(struct placed *p, enum rp_part part, int protection)
{
	const struct rp_extent *e = &p->placement.parts[part];

	if (e->size)
		assert_int_equal(mprotect(p->memory + e->offset, e->size,
					  protection), 0);
}

/* Places the image; @where is MAP_32BIT, or 0: anywhere. */
static int place(struct placed *p, int where)
{
	lay_out(p);
	p->memory = mmap(NULL, p->placement.size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | where, -1, 0);
	assert_ptr_not_equal(p->memory, MAP_FAILED);
	int rc = relocate_at(p, (uint64_t)p->memory, p->memory);
	protect(p, RP_PART_TEXT, PROT_READ | PROT_EXEC);
	protect(p, RP_PART_CONSTS, PROT_READ);
	return rc;
}

static uint64_t run(const struct placed *p, uint32_t section, uint64_t argument)
{
	uint64_t (*code)(uint64_t);
	void *at = p->memory + p->placement.sections[section];

	memcpy(&code, &at, sizeof(code));
	return code(argument);
}

static uint64_t address(const struct placed *p, uint32_t section)
{
	return (uint64_t)p->memory + p->placement.sections[section];
}

static void end(struct placed *p)
{
	if (p->memory)
		munmap(p->memory, p->placement.size);
	rp_placement_deinit(&p->placement);
	rp_payload_close(&p->payload);
	free(p->image.bytes);
	sample_deinit(&p->s);
}

/* Code that returns an address, and where its field is. */
struct sequence {
	uint8_t code[32];
	uint8_t offset;
	int8_t addend;
	uint32_t type;
};

static const struct sequence loads[] = {
	{ { 0x48, 0xb8, [10] = 0xc3 },		// movabs $S, %rax; ret
	  2, 0, R_X86_64_64 },
	{ { 0x48, 0x8d, 0x0d, 0, 0, 0, 0,	// lea 0(%rip), %rcx
	    0x48, 0xb8, [17] = 0x48, 0x01, 0xc8, // movabs; add %rcx, %rax
	    0xc3 },
	  9, 2, R_X86_64_PC64 },
	{ { 0xb8, [5] = 0xc3 },			// mov $S, %eax; ret
	  1, 0, R_X86_64_32 },
	{ { 0x48, 0xc7, 0xc0, [7] = 0xc3 },	// mov $S, %rax; ret
	  3, 0, R_X86_64_32S },
	{ { 0x48, 0x8d, 0x05, [7] = 0xc3 },	// lea S(%rip), %rax; ret
	  3, -4, R_X86_64_PC32 },
	{ { 0x48, 0x8b, 0x05, [7] = 0xc3 },	// mov S@GOT(%rip), %rax; ret
	  3, -4, R_X86_64_GOTPCREL },
	{ { 0x48, 0x8b, 0x05, [7] = 0xc3 },
	  3, -4, R_X86_64_REX_GOTPCRELX },
};

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

// Below 2 GiB, where each of these types reaches a variable of the payload.
static void place_own_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(loads); i++) {
		const struct sequence *l = &loads[i];
		struct placed p;

		begin(&p);
		uint32_t code = text(&p, l->code, sizeof(l->code));
		uint32_t data = sample_section(&p.s, ".data", SHT_PROGBITS,
					       DATA_FLAGS, 8, &variable,
					       sizeof(variable));
		uint32_t own = sample_symbol(&p.s, "own", STB_LOCAL, STT_OBJECT,
					     data, 0, 4);
		sample_reloc(&p.s, code, l->offset, l->type, own, l->addend);
		assert_int_equal(place(&p, MAP_32BIT), 0);
		assert_int_equal(run(&p, code, 0), address(&p, data));
		assert_int_equal(*(int *)run(&p, code, 0), 42);
		assert_int_equal(p.world.asked, 0);
		end(&p);
	}
}

static void place_far_addresses(void **state)
{
	static const size_t far[] = { 0, 1, 5, 6 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(far); i++) {
		const struct sequence *l = &loads[far[i]];
		struct placed p;

		begin(&p);
		uint32_t code = text(&p, l->code, sizeof(l->code));
		uint32_t symbol = import(&p, "variable", RP_BIND_TARGET, 0);
		sample_reloc(&p.s, code, l->offset, l->type, symbol, l->addend);
		assert_int_equal(place(&p, MAP_32BIT), 0);
		assert_int_equal(run(&p, code, 0), (uint64_t)&variable);
		assert_int_equal(p.world.asked, 1);
		end(&p);
	}
}

/* sub $8, %rsp; call f; add $8, %rsp; ret   and   jmp f */
static const uint8_t call_code[] = {
	0x48, 0x83, 0xec, 0x08, 0xe8, 0, 0, 0, 0, 0x48, 0x83, 0xc4, 0x08, 0xc3,
};
static const uint8_t jmp_code[] = { 0xe9, 0, 0, 0, 0 };
static const uint8_t jcc_code[] = { 0x85, 0xff, 0x0f, 0x85, 0, 0, 0, 0, 0xc3 };

static void call_far(const uint8_t *bytes, size_t size, uint64_t offset,
		     uint32_t type, uint32_t kind)
{
	struct placed p;

	begin(&p);
	uint32_t code = text(&p, bytes, size);
	uint32_t symbol = import(&p, "far_function", kind, RP_BIND_FUNCTION);
	sample_reloc(&p.s, code, offset, type, symbol, -4);
	assert_int_equal(place(&p, MAP_32BIT), 0);
	assert_int_equal(p.placement.nstubs, 1);
	assert_int_equal((int)run(&p, code, 7), 1007);
	end(&p);
}

static void place_far_calls_through_stub(void **state)
{
	static const uint32_t types[] = { R_X86_64_PLT32, R_X86_64_PC32 };
	static const uint32_t kinds[] = { RP_BIND_IMPORT, RP_BIND_SLOT };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		uint32_t type = types[i % 2], kind = kinds[i / 2];

		call_far(call_code, sizeof(call_code), 5, type, kind);
		call_far(jmp_code, sizeof(jmp_code), 1, type, kind);
		call_far(jcc_code, sizeof(jcc_code), 4, type, kind);
	}
}

static void place_near_call_is_direct(void **state)
{
	static const uint8_t near[] = { 0x8d, 0x47, 0x05, 0xc3 };
	struct placed p;

	(void)state;
	uint8_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	assert_ptr_not_equal(page, MAP_FAILED);
	memcpy(page, near, sizeof(near));	// lea 5(%rdi), %eax; ret
	begin(&p);
	uint32_t code = text(&p, call_code, sizeof(call_code));
	uint32_t symbol = import(&p, "near", RP_BIND_IMPORT, RP_BIND_FUNCTION);
	sample_reloc(&p.s, code, 5, R_X86_64_PLT32, symbol, -4);
	p.world.near = (uint64_t)page;
	assert_int_equal(place(&p, MAP_32BIT), 0);
	int32_t rel;
	memcpy(&rel, p.memory + p.placement.sections[code] + 5, sizeof(rel));
	assert_int_equal(address(&p, code) + 9 + rel, (uint64_t)page);
	assert_int_equal((int)run(&p, code, 7), 12);
	end(&p);
	munmap(page, 4096);
}

static void place_jump_through_got(void **state)
{
	static const uint8_t bytes[] = { 0xff, 0x25, 0, 0, 0, 0 };
	struct placed p;

	(void)state;
	begin(&p);
	uint32_t code = text(&p, bytes, sizeof(bytes));
	uint32_t symbol = import(&p, "far_function", RP_BIND_IMPORT,
				 RP_BIND_FUNCTION);
	sample_reloc(&p.s, code, 2, R_X86_64_GOTPCRELX, symbol, -4);
	assert_int_equal(place(&p, 0), 0);
	assert_int_equal(p.placement.nstubs, 0);
	assert_int_equal((int)run(&p, code, 7), 1007);
	end(&p);
}

/* A stub and two kinds of loads share one entry of the GOT. */
static void place_got_is_shared(void **state)
{
	uint8_t bytes[64] = { 0 };
	struct placed p;

	(void)state;
	memcpy(bytes, loads[5].code, 8);
	memcpy(bytes + 16, jmp_code, sizeof(jmp_code));
	begin(&p);
	uint32_t code = text(&p, bytes, sizeof(bytes));
	uint32_t symbol = import(&p, "far_function", RP_BIND_IMPORT,
				 RP_BIND_FUNCTION);
	sample_reloc(&p.s, code, 3, R_X86_64_GOTPCREL, symbol, -4);
	sample_reloc(&p.s, code, 40, R_X86_64_REX_GOTPCRELX, symbol, -4);
	sample_reloc(&p.s, code, 17, R_X86_64_PLT32, symbol, -4);
	assert_int_equal(place(&p, 0), 0);
	assert_int_equal(p.placement.ngot, 1);
	assert_int_equal(p.placement.nstubs, 1);
	assert_int_equal(p.world.asked, 1);
	assert_int_equal(run(&p, code, 0), (uint64_t)far_function);
	end(&p);
}

#define MOV_FS0_RAX	0x64, 0x48, 0x8b, 0x04, 0x25, 0, 0, 0, 0

static const struct sequence tls_loads[] = {
	{ { MOV_FS0_RAX, 0x48, 0x8d, 0x80, [16] = 0xc3 }, // lea S(%rax), %rax
	  12, 0, R_X86_64_TPOFF32 },
	{ { MOV_FS0_RAX, 0x48, 0x03, 0x05, [16] = 0xc3 }, // add S(%rip), %rax
	  12, -4, R_X86_64_GOTTPOFF },
	{ { MOV_FS0_RAX, 0x48, 0xb9,			// movabs $S, %rcx
	    [19] = 0x48, 0x01, 0xc8, 0xc3 },		// add %rcx, %rax
	  11, 0, R_X86_64_TPOFF64 },
};

static void place_tls_static(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tls_loads); i++) {
		const struct sequence *l = &tls_loads[i];
		struct placed p;

		begin(&p);
		uint32_t code = text(&p, l->code, sizeof(l->code));
		uint32_t symbol = import(&p, "tls_variable", RP_BIND_TLS, 0);
		sample_reloc(&p.s, code, l->offset, l->type, symbol, l->addend);
		assert_int_equal(place(&p, 0), 0);
		assert_int_equal(run(&p, code, 0), (uint64_t)&tls_variable);
		end(&p);
	}
}

static void place_tls_general_dynamic(void **state)
{
	static const uint8_t bytes[] = {
		0x48, 0x83, 0xec, 0x08,			// sub $8, %rsp
		0x66, 0x48, 0x8d, 0x3d, 0, 0, 0, 0,	// lea S(%rip), %rdi
		0x66, 0x66, 0x48, 0xe8, 0, 0, 0, 0,	// call __tls_get_addr
		0x48, 0x83, 0xc4, 0x08, 0xc3,		// add $8, %rsp; ret
	};
	struct placed p;

	(void)state;
	begin(&p);
	uint32_t code = text(&p, bytes, sizeof(bytes));
	uint32_t symbol = import(&p, "tls_variable", RP_BIND_IMPORT_TLS, 0);
	uint32_t get = import(&p, "__tls_get_addr", RP_BIND_IMPORT,
			      RP_BIND_FUNCTION);
	sample_reloc(&p.s, code, 8, R_X86_64_TLSGD, symbol, -4);
	sample_reloc(&p.s, code, 16, R_X86_64_PLT32, get, -4);
	assert_int_equal(place(&p, MAP_32BIT), 0);
	assert_int_equal(run(&p, code, 0), (uint64_t)&tls_variable);
	assert_int_equal(*(int *)run(&p, code, 0), 4711);
	end(&p);
}

/* Two variables by way of one module: with DTPOFF32 and DTPOFF64. */
static void place_tls_local_dynamic(void **state)
{
	static const uint8_t bytes[] = {
		0x53,					// push %rbx
		0x48, 0x89, 0xfb,			// mov %rdi, %rbx
		0x48, 0x8d, 0x3d, 0, 0, 0, 0,		// lea S(%rip), %rdi
		0xe8, 0, 0, 0, 0,			// call __tls_get_addr
		0x85, 0xdb, 0x75, 0x09,			// test %ebx; jne 1f
		0x48, 0x8d, 0x80, 0, 0, 0, 0,		// lea A(%rax), %rax
		0x5b, 0xc3,				// pop %rbx; ret
		0x48, 0xb9, 0, 0, 0, 0, 0, 0, 0, 0,	// 1: movabs $B, %rcx
		0x48, 0x01, 0xc8, 0x5b, 0xc3,		// add; pop %rbx; ret
	};
	struct placed p;

	(void)state;
	begin(&p);
	uint32_t code = text(&p, bytes, sizeof(bytes));
	uint32_t a = import(&p, "tls_variable", RP_BIND_TLS, 0);
	uint32_t b = import(&p, "tls_other", RP_BIND_TLS, 0);
	uint32_t get = import(&p, "__tls_get_addr", RP_BIND_IMPORT,
			      RP_BIND_FUNCTION);
	sample_reloc(&p.s, code, 7, R_X86_64_TLSLD, a, -4);
	sample_reloc(&p.s, code, 12, R_X86_64_PLT32, get, -4);
	sample_reloc(&p.s, code, 23, R_X86_64_DTPOFF32, a, 0);
	sample_reloc(&p.s, code, 31, R_X86_64_DTPOFF64, b, 0);
	assert_int_equal(place(&p, MAP_32BIT), 0);
	assert_int_equal(run(&p, code, 0), (uint64_t)&tls_variable);
	assert_int_equal(run(&p, code, 1), (uint64_t)&tls_other);
	end(&p);
}

static void place_weak_missing_is_zero(void **state)
{
	struct placed p;

	(void)state;
	begin(&p);
	uint32_t code = text(&p, loads[0].code, sizeof(loads[0].code));
	uint32_t symbol = import(&p, "missing", RP_BIND_IMPORT, RP_BIND_WEAK);
	sample_reloc(&p.s, code, 2, R_X86_64_64, symbol, 0);
	assert_int_equal(place(&p, 0), 0);
	assert_int_equal(run(&p, code, 0), 0);
	end(&p);
}

static void place_strong_missing_fails(void **state)
{
	struct placed p;

	(void)state;
	begin(&p);
	uint32_t code = text(&p, loads[0].code, sizeof(loads[0].code));
	uint32_t symbol = import(&p, "missing", RP_BIND_IMPORT, 0);
	sample_reloc(&p.s, code, 2, R_X86_64_64, symbol, 0);
	assert_int_equal(place(&p, 0), -EINVAL);
	assert_int_equal(p.diag.id, RP_DIAG_PAYLOAD_UNBOUND);
	assert_non_null(strstr(p.diag.text, "missing@LIB_1.0"));
	end(&p);
}

/* Each type of 32 bits, one beyond its reach and just within it. */
static void overflow(const struct sequence *l, uint64_t base, int64_t addend,
		     bool fits)
{
	struct placed p;

	begin(&p);
	uint32_t code = text(&p, l->code, sizeof(l->code));
	uint32_t symbol = sample_symbol(&p.s, "code", STB_LOCAL, STT_FUNC, code,
					0, 1);
	sample_reloc(&p.s, code, l->offset, l->type, symbol, addend);
	lay_out(&p);
	uint8_t *bytes = malloc(p.placement.size);
	int rc = relocate_at(&p, base, bytes);
	assert_int_equal(rc, fits ? 0 : -EINVAL);
	if (!fits) {
		assert_int_equal(p.diag.id, RP_DIAG_PAYLOAD_RANGE);
		assert_string_equal(p.diag.where, ".text.t");
		assert_int_equal(p.diag.offset, l->offset);
		assert_non_null(strstr(p.diag.text, "against code"));
	}
	free(bytes);
	end(&p);
}

static void place_overflow(void **state)
{
	const struct sequence *abs32 = &loads[2], *abs32s = &loads[3];
	const struct sequence *pc32 = &loads[4];
	const uint64_t high = UINT64_C(0x7f0000000000);

	(void)state;
	overflow(abs32, 0xfffff000, 0xfff, true);
	overflow(abs32, 0xfffff000, 0x1000, false);
	overflow(abs32, 0x1000, -0x1001, false);
	overflow(abs32s, 0x7ffff000, 0xfff, true);
	overflow(abs32s, 0x7ffff000, 0x1000, false);
	overflow(abs32s, 0x1000, -0x1001, true);
	overflow(abs32s, 0x1000, -0x1000 - 0x80000000ll, true);
	overflow(abs32s, 0x1000, -0x1001 - 0x80000000ll, false);
	overflow(pc32, high, 0x7fffffffll + 3, true);
	overflow(pc32, high, 0x7fffffffll + 4, false);
	overflow(pc32, high, -0x80000000ll + 3, true);
	overflow(pc32, high, -0x80000000ll + 2, false);
}

static void far_is_refused(uint32_t kind, uint32_t flags,
			   const struct sequence *l)
{
	struct placed p;

	begin(&p);
	uint32_t code = text(&p, l->code, sizeof(l->code));
	uint32_t symbol = import(&p, "far_function", kind, flags);
	sample_reloc(&p.s, code, l->offset, l->type, symbol, l->addend);
	assert_int_equal(place(&p, MAP_32BIT), -EINVAL);
	assert_int_equal(p.diag.id, RP_DIAG_PAYLOAD_RANGE);
	end(&p);
}

// No stub for what is not a branch, nor for what need not be a function.
static void place_far_refused(void **state)
{
	static const struct sequence call = {
		{ 0xe8 }, 1, -4, R_X86_64_PLT32
	};

	(void)state;
	far_is_refused(RP_BIND_IMPORT, RP_BIND_FUNCTION, &loads[4]);
	far_is_refused(RP_BIND_IMPORT, 0, &call);
	far_is_refused(RP_BIND_TARGET, RP_BIND_FUNCTION, &call);
}

// The address of a function is not that of the stub that calls go through.
static void place_address_is_not_stub(void **state)
{
	uint8_t bytes[32] = { 0 };
	struct placed p;

	(void)state;
	memcpy(bytes, loads[4].code, 8);
	bytes[16] = 0xe9;
	begin(&p);
	uint32_t code = text(&p, bytes, sizeof(bytes));
	uint32_t symbol = import(&p, "far_function", RP_BIND_IMPORT,
				 RP_BIND_FUNCTION);
	sample_reloc(&p.s, code, 17, R_X86_64_PLT32, symbol, -4);
	sample_reloc(&p.s, code, 3, R_X86_64_PC32, symbol, -4);
	assert_int_equal(place(&p, MAP_32BIT), -EINVAL);
	assert_int_equal(p.diag.offset, 3);
	end(&p);
}

static void place_misaligned_refused(void **state)
{
	struct placed p;

	(void)state;
	begin(&p);
	text(&p, jmp_code, sizeof(jmp_code));
	lay_out(&p);
	uint8_t *bytes = malloc(p.placement.size);
	assert_int_equal(relocate_at(&p, 0x1010, bytes), -EINVAL);
	assert_int_equal(p.diag.id, RP_DIAG_PAYLOAD_RANGE);
	free(bytes);
	end(&p);
}

static void check_inside(const struct placed *p, uint32_t section,
			 enum rp_part part)
{
	const struct rp_extent *e = &p->placement.parts[part];
	uint32_t at = p->placement.sections[section];
	const GElf_Shdr *hdr = &p->payload.obj.sections[section].hdr;

	assert_true(at >= e->offset);
	assert_true(at + hdr->sh_size <= e->offset + e->size);
	assert_int_equal(at % hdr->sh_addralign, 0);
}

static void place_parts(void **state)
{
	struct placed p;

	(void)state;
	begin(&p);
	sample_fill(&p.s);
	lay_out(&p);
	check_inside(&p, p.s.text, RP_PART_TEXT);
	check_inside(&p, p.s.rodata, RP_PART_CONSTS);
	check_inside(&p, p.s.eh_frame, RP_PART_CONSTS);
	check_inside(&p, p.s.data, RP_PART_DATA);
	check_inside(&p, p.s.bss, RP_PART_DATA);
	for (enum rp_part i = 1; i < RP_PART_NR; i++)
		assert_int_equal(p.placement.parts[i].offset,
				 p.placement.parts[i - 1].offset +
				 p.placement.parts[i - 1].size);
	uint8_t *bytes = malloc(p.placement.size);
	p.world.near = 0;
	assert_int_equal(relocate_at(&p, 0x10000000, bytes), -EINVAL);
	free(bytes);
	end(&p);
}

/* All bytes are written: fill is int3 in code, zero elsewhere. */
static void place_fill(void **state)
{
	static const uint8_t frame[8] = { 4, 0, 0, 0, 1, 2, 3, 4 };
	struct placed p;

	(void)state;
	begin(&p);
	text(&p, jmp_code, sizeof(jmp_code));
	uint32_t eh = sample_section(&p.s, ".eh_frame", SHT_PROGBITS, SHF_ALLOC,
				     8, frame, sizeof(frame));
	uint32_t bss = sample_section(&p.s, ".bss", SHT_NOBITS, DATA_FLAGS, 1,
				      NULL, 8);
	assert_int_equal(place(&p, 0), 0);
	assert_int_equal(p.memory[5], 0xcc);
	assert_int_equal(p.memory[4095], 0xcc);
	const uint8_t *at = p.memory + p.placement.sections[eh];
	assert_memory_equal(at, frame, sizeof(frame));
	assert_memory_equal(at + 8, "\0\0\0\0", 4);
	assert_int_equal(p.placement.eh_frame.size, 12);
	assert_memory_equal(p.memory + p.placement.sections[bss],
			    "\0\0\0\0\0\0\0\0", 8);
	end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(place_own_addresses),
		cmocka_unit_test(place_far_addresses),
		cmocka_unit_test(place_far_calls_through_stub),
		cmocka_unit_test(place_near_call_is_direct),
		cmocka_unit_test(place_jump_through_got),
		cmocka_unit_test(place_got_is_shared),
		cmocka_unit_test(place_tls_static),
		cmocka_unit_test(place_tls_general_dynamic),
		cmocka_unit_test(place_tls_local_dynamic),
		cmocka_unit_test(place_weak_missing_is_zero),
		cmocka_unit_test(place_strong_missing_fails),
		cmocka_unit_test(place_overflow),
		cmocka_unit_test(place_far_refused),
		cmocka_unit_test(place_address_is_not_stub),
		cmocka_unit_test(place_misaligned_refused),
		cmocka_unit_test(place_parts),
		cmocka_unit_test(place_fill),
	};

	return cmocka_run_group_tests_name("place", tests, NULL, NULL);
}
