/* SPDX-License-Identifier: MIT */
/* What is known of code addresses, and what it says about registers. */
#define _GNU_SOURCE
#include "unwind_internal.h"

#include "../object/grow.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Numbers to pointers. */

static size_t hash_slot(const struct rp_hash *hash, uint64_t key)
{
	size_t at = (key * 0x9e3779b97f4a7c15u >> 20) & (hash->room - 1);

	while (hash->v[at] && hash->keys[at] != key)
		at = (at + 1) & (hash->room - 1);
	return at;
}

void *rp_hash_get(const struct rp_hash *hash, uint64_t key)
{
	return hash->room ? hash->v[hash_slot(hash, key)] : NULL;
}

static int hash_widen(struct rp_hash *hash)
{
	struct rp_hash wide = { .room = hash->room ? 2 * hash->room : 256 };

	wide.v = calloc(wide.room, sizeof(*wide.v));
	wide.keys = calloc(wide.room, sizeof(*wide.keys));
	if (!wide.v || !wide.keys) {
		free(wide.v);
		free(wide.keys);
		return -ENOMEM;
	}
	for (size_t i = 0; i < hash->room; i++) {
		if (!hash->v[i])
			continue;
		size_t at = hash_slot(&wide, hash->keys[i]);
		wide.v[at] = hash->v[i];
		wide.keys[at] = hash->keys[i];
		wide.n++;
	}
	free(hash->v);
	free(hash->keys);
	*hash = wide;
	return 0;
}

int rp_hash_put(struct rp_hash *hash, uint64_t key, void *value)
{
	if (2 * hash->n >= hash->room && hash_widen(hash))
		return -ENOMEM;
	size_t at = hash_slot(hash, key);
	hash->n += !hash->v[at];
	hash->v[at] = value;
	hash->keys[at] = key;
	return 0;
}

void rp_hash_free(struct rp_hash *hash, void (*free_value)(void *value))
{
	for (size_t i = 0; i < hash->room; i++) {
		if (hash->v[i] && free_value)
			free_value(hash->v[i]);
	}
	free(hash->v);
	free(hash->keys);
	*hash = (struct rp_hash){ 0 };
}

/* Memory. */

static struct rp_text_page *text_page(struct rp_unwinder *unwinder,
				      uint64_t address)
{
	struct rp_text_page *page = rp_hash_get(&unwinder->pages, address);

	if (page)
		return page;
	page = malloc(sizeof(*page));
	if (!page || rp_hash_put(&unwinder->pages, address, page)) {
		free(page);
		return NULL;
	}
	page->address = address;
	page->size = rp_target_read_some(unwinder->target, address, page->bytes,
					 RP_PAGE);
	return page;
}

size_t rp_unwind_text(struct rp_unwinder *unwinder, uint64_t address,
		      void *buffer, size_t size)
{
	size_t done = 0;

	while (done < size) {
		uint64_t at = address + done;
		struct rp_text_page *page = text_page(unwinder, RP_PAGE_DOWN(at));
		size_t skip = at % RP_PAGE;

		if (!page || page->size <= skip)
			break;
		size_t n = page->size - skip;
		if (n > size - done)
			n = size - done;
		memcpy((uint8_t *)buffer + done, page->bytes + skip, n);
		done += n;
		if (page->size != RP_PAGE)
			break;
	}
	return done;
}

bool rp_unwind_word(struct rp_unwinder *unwinder, uint64_t address,
		    uint64_t *ret)
{
	struct rp_window *window = &unwinder->window;

	if (address - window->address >= window->size ||
	    window->size - (address - window->address) < sizeof(*ret)) {
		window->address = address;
		window->size = rp_target_read_some(unwinder->target, address,
						   window->bytes, window->next);
		window->next = window->next < RP_WINDOW_SIZE / 4 ?
				       4 * window->next : RP_WINDOW_SIZE;
		if (window->size < sizeof(*ret))
			return false;
	}
	memcpy(ret, window->bytes + (address - window->address), sizeof(*ret));
	return true;
}

/* Code addresses. */

struct rp_area *rp_unwind_area(const struct rp_unwinder *unwinder,
			       uint64_t address)
{
	for (size_t i = 0; i < unwinder->nareas; i++) {
		struct rp_area *area = &unwinder->areas[i];

		if (address >= area->start && address < area->end)
			return area;
	}
	return NULL;
}

static const struct rp_module *text_module(struct rp_unwinder *unwinder,
					   uint64_t address)
{
	const struct rp_module *module = rp_modules_at(unwinder->modules,
						       address);

	return module && rp_module_is_text(module, address) ? module : NULL;
}

bool rp_unwind_is_executable(struct rp_unwinder *unwinder, uint64_t address)
{
	if (text_module(unwinder, address) || rp_unwind_area(unwinder, address))
		return true;
	const struct rp_map *map = rp_maps_at(&unwinder->modules->maps, address);
	return map && (map->access & PROT_EXEC);
}

/* ff /2: how long is the instruction with this modrm, sib included? 0: it is
 * not a call. */
static size_t indirect_call_length(uint8_t modrm, uint8_t sib)
{
	unsigned int mod = modrm >> 6, rm = modrm & 7;
	size_t length = 2 + (mod != 3 && rm == 4);

	if ((modrm >> 3 & 7) != 2)
		return 0;
	if (mod == 0 && (rm == 5 || (rm == 4 && (sib & 7) == 5)))
		return length + 4;
	return mod == 1 ? length + 1 : mod == 2 ? length + 4 : length;
}

/* A site that Repoint patches at run time (a static call to nothing) holds a NOP
 * of a call's length while what was called from it may still be running. */
static bool ends_in_patched_call(const uint8_t *end)
{
	static const uint8_t nop5[] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };

	return memcmp(end - sizeof(nop5), nop5, sizeof(nop5)) == 0;
}

static bool ends_in_call(const uint8_t *end)
{
	static const uint8_t lengths[] = { 2, 3, 4, 6, 7 };

	if (end[-5] == 0xe8)
		return true;
	for (size_t i = 0; i < sizeof(lengths); i++) {
		const uint8_t *insn = end - lengths[i];

		if (insn[0] == 0xff && lengths[i] ==
		    indirect_call_length(insn[1], lengths[i] > 2 ? insn[2] : 0))
			return true;
	}
	return false;
}

static bool is_called(struct rp_unwinder *unwinder, uint64_t address)
{
	uint8_t code[8] = { 0 };

	/* Code may begin less than eight bytes before. */
	size_t n = address % RP_PAGE < 8 && address % RP_PAGE ?
			   address % RP_PAGE : 8;
	if (n < 8 && rp_unwind_text(unwinder, address - 8, code, 8) == 8)
		n = 8;
	else if (rp_unwind_text(unwinder, address - n, code + 8 - n, n) != n)
		return false;
	return ends_in_call(code + 8) || ends_in_patched_call(code + 8);
}

/* `mov $15, %eax` in its forms, and `syscall`: what libcs have the kernel return
 * to from handlers; also when the mov is done already. */
static bool is_restorer(struct rp_unwinder *unwinder, uint64_t address)
{
	static const struct { uint8_t size, bytes[10]; } forms[] = {
		{ 9, { 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05 } },
		{ 7, { 0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05 } },
		{ 5, { 0x6a, 0x0f, 0x58, 0x0f, 0x05 } },
	};
	uint8_t code[10];
	size_t n = rp_unwind_text(unwinder, address, code, sizeof(code));

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (n >= forms[i].size &&
		    memcmp(code, forms[i].bytes, forms[i].size) == 0)
			return true;
	}
	return false;
}

/* At the restorer's system call itself. */
static bool is_restorer_syscall(struct rp_unwinder *unwinder, uint64_t address)
{
	uint8_t code[2];

	if (rp_unwind_text(unwinder, address, code, 2) != 2 ||
	    code[0] != 0x0f || code[1] != 0x05)
		return false;
	return is_restorer(unwinder, address - 7) ||
	       is_restorer(unwinder, address - 5);
}

static void look_at(struct rp_unwinder *unwinder, struct rp_pc_rule *rule)
{
	uint64_t address = rule->address;
	const struct rp_area *area = rp_unwind_area(unwinder, address - 1);

	rule->generation = unwinder->generation;
	rule->text = rp_unwind_is_executable(unwinder, address) ||
		     (!rule->exact &&
		      rp_unwind_is_executable(unwinder, address - 1));
	if (!rule->text)
		return;
	rule->trusted = !rule->exact && area && area->fdes.n;
	rule->called = rule->trusted || is_called(unwinder, address);
	rule->restorer = is_restorer(unwinder, address) ||
			 (rule->exact && is_restorer_syscall(unwinder, address));
}

struct rp_pc_rule *rp_unwind_rule(struct rp_unwinder *unwinder,
				  uint64_t address, bool exact)
{
	uint64_t key = address << 1 | exact;
	struct rp_pc_rule *rule = rp_hash_get(&unwinder->rules, key);

	if (rule) {
		if (rule->generation != unwinder->generation &&
		    !(rule->text && rule->called))
			look_at(unwinder, rule);
		return rule;
	}
	rule = calloc(1, sizeof(*rule));
	if (!rule || rp_hash_put(&unwinder->rules, key, rule)) {
		free(rule);
		return NULL;
	}
	rule->address = address;
	rule->exact = exact;
	rule->volatile_ = !text_module(unwinder, exact ? address : address - 1) &&
			  !rp_unwind_area(unwinder, address - !exact);
	look_at(unwinder, rule);
	return rule;
}

void rp_unwind_rule_rows(struct rp_unwinder *unwinder, struct rp_pc_rule *rule)
{
	if (rule->kind != RP_RULE_NEW)
		return;
	if (!rule->text)
		rule->kind = RP_RULE_NONE;
	else if (rule->restorer)
		rule->kind = RP_RULE_SIGNAL;
	else if (rp_unwind_cfi(unwinder, rule))
		rule->by = RP_FRAME_CFI;
	else if (rp_unwind_code(unwinder, rule))
		rule->by = RP_FRAME_CODE;
	else
		rule->kind = RP_RULE_NONE;
}

static void free_expr(struct rp_value *value)
{
	if (value->kind == RP_VALUE_EXPR || value->kind == RP_VALUE_AT_EXPR)
		free((void *)(uintptr_t)value->expr);
}

void rp_unwind_rule_free(void *p)
{
	struct rp_pc_rule *rule = p;

	for (size_t i = 0; i < rule->nrows; i++) {
		free_expr(&rule->rows[i].cfa);
		for (size_t r = 0; r < RP_DWARF_REG_NR; r++)
			free_expr(&rule->rows[i].reg[r]);
	}
	free(rule->rows);
	free(rule);
}

/* Rows. */

/* Where in memory the value is; false: it is not in memory, or not known. */
static bool value_slot(struct rp_unwinder *unwinder,
		       const struct rp_value *value, const struct rp_cpu *cpu,
		       uint64_t cfa, uint64_t *ret)
{
	switch (value->kind) {
	case RP_VALUE_AT_CFA:
		*ret = cfa + (uint64_t)value->offset;
		return true;
	case RP_VALUE_AT_REG:
		*ret = cpu->r[value->reg] + (uint64_t)value->offset;
		return cpu->known >> value->reg & 1;
	case RP_VALUE_AT_EXPR:
		return rp_unwind_expr(unwinder, value, cpu, &cfa, ret);
	default:
		return false;
	}
}

static bool value_itself(struct rp_unwinder *unwinder,
			 const struct rp_value *value, const struct rp_cpu *cpu,
			 uint64_t cfa, uint64_t *ret)
{
	switch (value->kind) {
	case RP_VALUE_CFA:
		*ret = cfa + (uint64_t)value->offset;
		return true;
	case RP_VALUE_REG:
		*ret = cpu->r[value->reg] + (uint64_t)value->offset;
		return cpu->known >> value->reg & 1;
	case RP_VALUE_EXPR:
		return rp_unwind_expr(unwinder, value, cpu, &cfa, ret);
	default:
		return false;
	}
}

static void caller_register(struct rp_unwinder *unwinder, unsigned int reg,
			    const struct rp_value *value,
			    const struct rp_cpu *cpu, uint64_t cfa,
			    struct rp_cpu *ret)
{
	uint64_t slot, v = 0;
	bool known;

	if (value->kind == RP_VALUE_SAME) {
		v = cpu->r[reg];
		known = cpu->known >> reg & 1;
	} else if (value_slot(unwinder, value, cpu, cfa, &slot)) {
		known = rp_unwind_word(unwinder, slot, &v);
	} else {
		known = value_itself(unwinder, value, cpu, cfa, &v);
	}
	ret->r[reg] = v;
	ret->known |= (uint32_t)known << reg;
}

static bool row_cfa(struct rp_unwinder *unwinder, const struct rp_value *value,
		    const struct rp_cpu *cpu, uint64_t *ret)
{
	if (value->kind == RP_VALUE_EXPR)
		return rp_unwind_expr(unwinder, value, cpu, NULL, ret);
	return value->kind == RP_VALUE_REG &&
	       value_itself(unwinder, value, cpu, 0, ret);
}

bool rp_unwind_apply(struct rp_unwinder *unwinder, const struct rp_row *row,
		     const struct rp_cpu *cpu, struct rp_cpu *ret,
		     uint64_t *cfa, uint64_t *slot)
{
	if (!row_cfa(unwinder, &row->cfa, cpu, cfa))
		return false;
	ret->known = 0;
	for (unsigned int reg = 0; reg < RP_DWARF_REG_NR; reg++)
		caller_register(unwinder, reg, &row->reg[reg], cpu, *cfa, ret);
	if (row->reg[RP_REG_RSP].kind == RP_VALUE_SAME) {
		ret->r[RP_REG_RSP] = *cfa;
		ret->known |= 1u << RP_REG_RSP;
	}
	if (!value_slot(unwinder, &row->reg[RP_REG_PC], cpu, *cfa, slot))
		*slot = 0;
	return (ret->known >> RP_REG_PC & 1) && (ret->known >> RP_REG_RSP & 1) &&
	       row->reg[RP_REG_PC].kind != RP_VALUE_SAME;
}
