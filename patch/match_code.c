/* SPDX-License-Identifier: MIT */
/*
 * An object's code beside the binary's, instruction by instruction.
 *
 * Bytes are compared first, as they nearly always agree; only where they do not
 * is it asked whether a linker or an assembler may have made one of the other:
 *
 *   jmp, jcc        rel8 and rel32
 *   GOTPCRELX       mov to lea or mov $; test, add, ... to an immediate;
 *                   call *, jmp * to direct ones (x86-64 psABI, appendix B)
 *   TLS             GD to IE or LE, LD to LE, IE to LE, descriptors to both
 *                   (psABI section 11.1)
 *   fill            any number and length of nops
 */
#include "match_internal.h"

#include "../object/grow.h"
#include "../object/insn/insn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REX_R		0x04u
#define REX_B		0x01u
#define MOD_REGISTER	0xc0u
#define MOD_DISP32	0x80u
#define RM_SP		4u

static const uint8_t load_tp[] = {	/* mov %fs:0, %rax */
	0x64, 0x48, 0x8b, 0x04, 0x25, 0, 0, 0, 0,
};

/** struct walker - where the walk is. */
struct walker {
	struct rp_walk *walk;
	const struct rp_atom *atom;
	const uint8_t *object;		/* first bytes of both */
	const uint8_t *binary;
	uint64_t object_at, object_size;
	uint64_t at, size;		/* in the binary */
	uint64_t address;		/* of @binary */
	size_t ref;			/* the next one */
	struct rp_insn insn;	/* the object's */
	bool nomem;
};

#define PUSH(w, vector, ...) do {					\
	if (rp_grow(&(vector)->v, &(vector)->room, (vector)->n + 1,	\
		    sizeof(*(vector)->v)))				\
		(w)->nomem = true;					\
	else								\
		(vector)->v[(vector)->n++] = (__typeof__(*(vector)->v))	\
			__VA_ARGS__;					\
} while (0)

static int64_t read_field(const uint8_t *p, unsigned int size)
{
	int64_t v = 0;

	memcpy(&v, p, size);
	switch (size) {
	case 1: return (int8_t)v;
	case 2: return (int16_t)v;
	case 4: return (int32_t)v;
	default: return v;
	}
}

static const uint8_t *here(const struct walker *w)
{
	return w->binary + w->at;
}

static bool has_room(const struct walker *w, uint64_t n)
{
	return n <= w->size - w->at;
}

/** rel32() - where a field at @offset counts to, from the end at @end. */
static uint64_t rel32(const struct walker *w, unsigned int offset,
		      unsigned int end)
{
	return w->address + w->at + end +
	       (uint64_t)read_field(here(w) + offset, 4);
}

static uint64_t imm32(const struct walker *w, unsigned int offset)
{
	return (uint64_t)read_field(here(w) + offset, 4);
}

static void found(struct walker *w, const struct rp_ref *ref, uint8_t kind,
		  uint64_t value)
{
	PUSH(w, &w->walk->refs, { ref, kind, value });
}

/** step() - one instruction of each; @length of the binary's. */
static bool step(struct walker *w, unsigned int length)
{
	PUSH(w, &w->walk->steps, { w->object_at, w->at });
	w->object_at += w->insn.length;
	w->at += length;
	return true;
}

static bool differs(struct walker *w, const char *why)
{
	w->walk->why = why;
	w->walk->offset = w->object_at;
	return false;
}

/* References inside the present instruction. */
static size_t count_refs(const struct walker *w)
{
	size_t n = 0;

	while (w->ref + n < w->atom->nrefs &&
	       w->atom->refs[w->ref + n].offset <
	       w->object_at + w->insn.length)
		n++;
	return n;
}

static const struct rp_ref *next_ref(const struct walker *w)
{
	return &w->atom->refs[w->ref];
}

/** value_of() - what the field of an unchanged instruction says. */
static void value_of(struct walker *w, const struct rp_ref *ref)
{
	unsigned int offset = ref->offset - w->object_at;
	unsigned int size = rp_reloc_width(ref->type);
	uint64_t value = (uint64_t)read_field(here(w) + offset, size);
	uint64_t relative = w->address + w->at + w->insn.length + value;

	switch (ref->type) {
	case R_X86_64_PC8:
	case R_X86_64_PC16:
	case R_X86_64_PC32:
	case R_X86_64_PC64:
	case R_X86_64_PLT32:
		found(w, ref, RP_VALUE_ADDRESS, relative);
		break;
	case R_X86_64_32:
		found(w, ref, RP_VALUE_ADDRESS, (uint32_t)value);
		break;
	case R_X86_64_32S:
	case R_X86_64_64:
		found(w, ref, RP_VALUE_ADDRESS, value);
		break;
	case R_X86_64_GOTPCREL:
	case R_X86_64_GOTPCRELX:
	case R_X86_64_REX_GOTPCRELX:
		found(w, ref, RP_VALUE_SLOT, relative);
		break;
	case R_X86_64_GOTTPOFF:
		found(w, ref, RP_VALUE_SLOT_TPOFF, relative);
		break;
	case R_X86_64_TLSGD:
		found(w, ref, RP_VALUE_SLOT_GD, relative);
		break;
	case R_X86_64_GOTPC32_TLSDESC:
		found(w, ref, RP_VALUE_SLOT_DESC, relative);
		break;
	case R_X86_64_TPOFF32:
		found(w, ref, RP_VALUE_TPOFF, value);
		break;
	case R_X86_64_DTPOFF32:
		found(w, ref, w->walk->local_tls_relaxed ? RP_VALUE_TPOFF :
		      RP_VALUE_DTPOFF, value);
		break;
	default:
		found(w, ref, RP_VALUE_NONE, 0);
	}
}

/** is_unchanged() - are the instruction's bytes the same but for its fields? */
static bool is_unchanged(const struct walker *w, size_t nrefs)
{
	const uint8_t *object = w->object + w->object_at;
	unsigned int at = 0;

	if (!has_room(w, w->insn.length))
		return false;
	for (size_t i = 0; i < nrefs; i++) {
		const struct rp_ref *ref = &w->atom->refs[w->ref + i];
		unsigned int offset = ref->offset - w->object_at;

		if (offset < at || offset > w->insn.length ||
		    memcmp(object + at, here(w) + at, offset - at) != 0)
			return false;
		at = offset + rp_reloc_width(ref->type);
		if (at > w->insn.length)
			return false;
	}
	return !memcmp(object + at, here(w) + at, w->insn.length - at);
}

/** struct branch - a relative one, whatever its length. */
struct branch {
	uint8_t kind;		/* opcode of the short form; e8 for a call */
	uint8_t length;
	uint64_t target;	/* from the start of the code */
};

static bool is_prefix(uint8_t byte)
{
	return byte == 0x67 || byte == 0x2e || byte == 0x3e || byte == 0xf2 ||
	       byte == 0x66 || byte == 0x48;
}

static bool read_branch(const uint8_t *p, uint64_t room, uint64_t at,
			struct branch *ret)
{
	unsigned int n = 0, size;

	while (n < room && n < 4 && is_prefix(p[n]))
		n++;
	if (n + 2 > room)
		return false;
	uint8_t opcode = p[n++];
	if (opcode == 0xeb || (opcode & 0xf0) == 0x70 ||
	    (opcode & 0xfc) == 0xe0) {
		ret->kind = opcode;
		size = 1;
	} else if (opcode == 0xe8 || opcode == 0xe9) {
		ret->kind = opcode == 0xe8 ? 0xe8 : 0xeb;
		size = 4;
	} else if (opcode == 0x0f && (p[n] & 0xf0) == 0x80) {
		ret->kind = 0x70 | (p[n++] & 0x0f);
		size = 4;
	} else {
		return false;
	}
	if (n + size > room)
		return false;
	ret->length = n + size;
	ret->target = at + ret->length + (uint64_t)read_field(p + n, size);
	return true;
}

static bool walk_branch(struct walker *w, size_t nrefs)
{
	const uint8_t *p = w->object + w->object_at;
	struct branch o, b;

	if (!read_branch(p, w->insn.length, w->object_at, &o) ||
	    !read_branch(here(w), w->size - w->at, w->at, &b) ||
	    o.kind != b.kind)
		return differs(w, "another instruction than a branch");
	if (nrefs)
		found(w, &w->atom->refs[w->ref++], RP_VALUE_ADDRESS,
		      w->address + b.target);
	else
		PUSH(w, &w->walk->jumps, { o.target, b.target });
	return step(w, b.length);
}

/** is_rm_form() - @p is the instruction with its register in rm instead of reg. */
static bool is_rm_form(const uint8_t *object, const uint8_t *p,
		       unsigned int modrm, uint8_t opcode, uint8_t extension)
{
	unsigned int reg = object[modrm] >> 3 & 7;

	if (modrm >= 2) {
		uint8_t rex = object[modrm - 2];
		uint8_t want = (rex & ~REX_R) | (rex & REX_R ? REX_B : 0);

		if ((rex & 0xf0) == 0x40 && p[modrm - 2] != want)
			return false;
	}
	return p[modrm - 1] == opcode &&
	       p[modrm] == (MOD_REGISTER | extension << 3 | reg);
}

/** relax_call() - call *, jmp * through the GOT became direct. */
static bool relax_call(struct walker *w, const struct rp_ref *ref)
{
	struct branch b;
	uint8_t kind = w->insn.branch == RP_INSN_CALL_MEM ? 0xe8 : 0xeb;

	if (!read_branch(here(w), w->size - w->at, w->at, &b) ||
	    b.kind != kind)
		return differs(w, "another instruction than a call through "
			       "the GOT");
	w->ref++;
	found(w, ref, RP_VALUE_ADDRESS, w->address + b.target);
	return step(w, b.length);	// nops behind it are fill
}

static bool relax_got(struct walker *w, const struct rp_ref *ref)
{
	const uint8_t *object = w->object + w->object_at;
	unsigned int field = ref->offset - w->object_at, length = w->insn.length;

	if (w->insn.branch == RP_INSN_CALL_MEM ||
	    w->insn.branch == RP_INSN_JMP_MEM)
		return relax_call(w, ref);
	if (field < 2 || field + 4 != length || !has_room(w, length))
		return differs(w, "another instruction");
	uint8_t opcode = object[field - 2];
	const uint8_t *p = here(w);
	bool prefix_same = !memcmp(object, p, field - 2);
	if (opcode == 0x8b && prefix_same && p[field - 2] == 0x8d &&
	    p[field - 1] == object[field - 1])
		found(w, ref, RP_VALUE_ADDRESS, rel32(w, field, length));
	else if ((opcode == 0x8b &&
		  is_rm_form(object, p, field - 1, 0xc7, 0)) ||
		 (opcode == 0x85 &&
		  is_rm_form(object, p, field - 1, 0xf7, 0)) ||
		 ((opcode & 0xc7) == 0x03 &&
		  is_rm_form(object, p, field - 1, 0x81, opcode >> 3 & 7)))
		found(w, ref, RP_VALUE_ADDRESS, imm32(w, field));
	else
		return differs(w, "another instruction than an access through "
			       "the GOT");
	w->ref++;
	return step(w, length);
}

/** relax_ie() - GOTTPOFF: initial-exec became local-exec. */
static bool relax_ie(struct walker *w, const struct rp_ref *ref)
{
	const uint8_t *object = w->object + w->object_at, *p = here(w);
	unsigned int field = ref->offset - w->object_at, length = w->insn.length;

	if (field < 3 || field + 4 != length || !has_room(w, length))
		return differs(w, "another instruction");
	uint8_t opcode = object[field - 2], reg = object[field - 1] >> 3 & 7;
	uint8_t rex = object[field - 3];
	bool lea = opcode == 0x03 && p[field - 2] == 0x8d &&
		   p[field - 1] == (MOD_DISP32 | reg << 3 | reg) &&
		   p[field - 3] == (rex | (rex & REX_R ? REX_B : 0));
	if (!lea && !(opcode == 0x8b &&
		      is_rm_form(object, p, field - 1, 0xc7, 0)) &&
	    !(opcode == 0x03 && is_rm_form(object, p, field - 1, 0x81, 0)))
		return differs(w, "another access to thread-local data");
	w->ref++;
	found(w, ref, RP_VALUE_TPOFF, imm32(w, field));
	return step(w, length);
}

/** relax_desc() - lea x@tlsdesc(%rip), %reg became initial- or local-exec. */
static bool relax_desc(struct walker *w, const struct rp_ref *ref)
{
	const uint8_t *object = w->object + w->object_at, *p = here(w);
	unsigned int field = ref->offset - w->object_at, length = w->insn.length;

	if (field < 3 || field + 4 != length || !has_room(w, length))
		return differs(w, "another instruction");
	if (p[field - 3] == object[field - 3] && p[field - 2] == 0x8b &&
	    p[field - 1] == object[field - 1])
		found(w, ref, RP_VALUE_SLOT_TPOFF, rel32(w, field, length));
	else if (is_rm_form(object, p, field - 1, 0xc7, 0))
		found(w, ref, RP_VALUE_TPOFF, imm32(w, field));
	else
		return differs(w, "another access to thread-local data");
	w->ref++;
	return step(w, length);
}

/** take_call() - the object's call of __tls_get_addr, which a linker removed. */
static bool take_call(struct walker *w, unsigned int rest)
{
	const uint64_t object = w->object_at;

	if (object >= w->object_size ||
	    rp_insn_decode(w->object + object, w->object_size - object,
			   &w->insn) ||
	    (w->insn.branch != RP_INSN_CALL &&
	     w->insn.branch != RP_INSN_CALL_MEM))
		return differs(w, "thread-local data without its call");
	w->ref += count_refs(w);
	return step(w, rest);
}

/** relax_gd() - 16 bytes: lea, call __tls_get_addr. */
static bool relax_gd(struct walker *w, const struct rp_ref *ref)
{
	const uint8_t *p = here(w);
	const unsigned int first = sizeof(load_tp), all = first + 7;

	if (!has_room(w, all) || memcmp(p, load_tp, first) != 0 ||
	    p[first] != 0x48)
		return differs(w, "another access to thread-local data");
	if (p[first + 1] == 0x03 && p[first + 2] == 0x05)
		found(w, ref, RP_VALUE_SLOT_TPOFF, rel32(w, first + 3, all));
	else if (p[first + 1] == 0x8d && p[first + 2] == 0x80)
		found(w, ref, RP_VALUE_TPOFF, imm32(w, first + 3));
	else
		return differs(w, "another access to thread-local data");
	w->ref++;
	step(w, first);
	return take_call(w, all - first);
}

/** relax_ld() - lea, call: one load, with prefixes for its length. */
static bool relax_ld(struct walker *w, const struct rp_ref *ref)
{
	unsigned int n = 0;

	while (n < 4 && has_room(w, n + 1) && here(w)[n] == 0x66)
		n++;
	if (!has_room(w, n + sizeof(load_tp)) ||
	    memcmp(here(w) + n, load_tp, sizeof(load_tp)) != 0)
		return differs(w, "another access to thread-local data");
	w->walk->local_tls_relaxed = true;
	w->ref++;
	found(w, ref, RP_VALUE_NONE, 0);
	step(w, n + sizeof(load_tp));
	return take_call(w, 0);
}

static bool walk_relaxed(struct walker *w, size_t nrefs)
{
	const struct rp_ref *ref = next_ref(w);

	if (nrefs != 1)
		return differs(w, "another instruction");
	switch (ref->type) {
	case R_X86_64_GOTPCREL:
	case R_X86_64_GOTPCRELX:
	case R_X86_64_REX_GOTPCRELX: return relax_got(w, ref);
	case R_X86_64_GOTTPOFF: return relax_ie(w, ref);
	case R_X86_64_GOTPC32_TLSDESC: return relax_desc(w, ref);
	case R_X86_64_TLSGD: return relax_gd(w, ref);
	case R_X86_64_TLSLD: return relax_ld(w, ref);
	default: return differs(w, "another instruction");
	}
}

static bool walk_insn(struct walker *w)
{
	size_t nrefs = count_refs(w);

	if (w->insn.relative && nrefs <= 1)
		return walk_branch(w, nrefs);
	if (!is_unchanged(w, nrefs)) {
		if (!nrefs)
			return differs(w, "another instruction");
		return walk_relaxed(w, nrefs);
	}
	for (; nrefs; nrefs--)
		value_of(w, &w->atom->refs[w->ref++]);
	return step(w, w->insn.length);
}

/** may_be_fill() - by the first byte: to decode only what is likely to be. */
static bool may_be_fill(const uint8_t *p, uint64_t room)
{
	return *p == 0x90 || *p == 0x66 || *p == 0xcc || *p == 0x2e ||
	       (*p == 0x0f && room > 1 && p[1] == 0x1f);
}

static bool is_fill(const uint8_t *p, uint64_t room,
		    struct rp_insn *insn)
{
	return room && may_be_fill(p, room) && !rp_insn_decode(p, room, insn) &&
	       (insn->nop || insn->trap);
}

/*
 * Fill that is the same in both is kept: sites that are patched may be nops.
 */
static void skip_fill(struct walker *w)
{
	struct rp_insn insn;

	while (is_fill(w->object + w->object_at, w->object_size - w->object_at,
		       &insn)) {
		const uint8_t *p = w->object + w->object_at;

		if (has_room(w, insn.length) &&
		    !memcmp(p, here(w), insn.length)) {
			PUSH(w, &w->walk->fill, { w->object_at, w->at });
			w->at += insn.length;
		}
		w->object_at += insn.length;
	}
}

static void skip_binary_fill(struct walker *w)
{
	struct rp_insn insn;

	while (is_fill(here(w), w->size - w->at, &insn))
		w->at += insn.length;
}

/** is_dropped_call() - call *(%rax) of a descriptor became a nop. */
static bool is_dropped_call(const struct walker *w)
{
	return w->ref < w->atom->nrefs &&
	       next_ref(w)->type == R_X86_64_TLSDESC_CALL &&
	       next_ref(w)->offset == w->object_at && has_room(w, 2) &&
	       here(w)[0] == 0x66 && here(w)[1] == 0x90;
}

// Data inside code, or instructions that the decoder does not know: bytes.
static bool walk_bytes(struct walker *w)
{
	w->insn.length = w->object_size - w->object_at > 15 ?
		15 : w->object_size - w->object_at;
	w->insn.relative = false;
	// A field may lie across the end: all of it belongs to this piece.
	size_t nrefs = count_refs(w);
	if (nrefs) {
		const struct rp_ref *last = &w->atom->refs[w->ref + nrefs - 1];
		uint64_t end = last->offset + rp_reloc_width(last->type);

		if (end > w->object_size)
			return differs(w, "a field that does not fit");
		if (end > w->object_at + w->insn.length)
			w->insn.length = end - w->object_at;
	}
	if (!is_unchanged(w, nrefs))
		return differs(w, "other bytes that cannot be decoded");
	w->ref += nrefs;
	return step(w, w->insn.length);
}

static bool walk_all(struct walker *w)
{
	bool same = true;

	for (;;) {
		skip_fill(w);
		if (w->object_at >= w->object_size || w->nomem || !same)
			break;
		bool decoded = !rp_insn_decode(w->object + w->object_at,
			w->object_size - w->object_at, &w->insn);
		if (decoded && is_dropped_call(w)) {
			w->ref++;
			same = step(w, 2);
			continue;
		}
		skip_binary_fill(w);
		same = decoded ? walk_insn(w) : walk_bytes(w);
	}
	return same;
}

static size_t step_index(const struct rp_walk *walk, uint64_t offset,
			 bool binary)
{
	size_t low = 0, high = walk->steps.n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct rp_step_pair *s = &walk->steps.v[mid];

		if ((binary ? s->binary : s->object) < offset)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

// A jump to fill is one to what is behind it.
bool rp_walk_is_same(const struct rp_walk *walk, uint64_t object,
		     uint64_t binary)
{
	return binary <= walk->end &&
	       step_index(walk, object, false) == step_index(walk, binary, true);
}

static bool check_jumps(struct rp_walk *walk)
{
	for (size_t i = 0; i < walk->jumps.n; i++) {
		const struct rp_step_pair *jump = &walk->jumps.v[i];

		if (rp_walk_is_same(walk, jump->object, jump->binary))
			continue;
		walk->why = "a branch to another place";
		walk->offset = jump->object;
		return false;
	}
	return true;
}

int rp_walk_code(struct rp_walk *walk, const struct rp_atoms *atoms,
		 uint32_t atom, const struct rp_binary *binary,
		 uint64_t address, uint64_t size)
{
	const bool whole = size != 0;
	struct walker w = {
		.walk = walk,
		.atom = &atoms->v[atom],
		.object = rp_atom_bytes(atoms, atom),
		.object_size = atoms->v[atom].size,
		.address = address,
	};
	uint64_t room = rp_binary_room(binary, address);

	memset(walk, 0, sizeof(*walk));
	w.size = whole && size < room ? size : room;
	w.binary = rp_binary_bytes(binary, address, w.size);
	if (!w.object || !w.binary || !w.size) {
		walk->why = "there are no bytes";
		return 0;
	}
	bool same = walk_all(&w);
	walk->end = w.at;
	if (w.nomem)
		return -ENOMEM;
	if (same && whole) {
		skip_binary_fill(&w);
		if (w.at < w.size)
			same = differs(&w, "the binary's code goes on");
	}
	return same && check_jumps(walk);
}

void rp_walk_deinit(struct rp_walk *walk)
{
	free(walk->steps.v);
	free(walk->fill.v);
	free(walk->jumps.v);
	free(walk->refs.v);
	memset(walk, 0, sizeof(*walk));
}
