/* SPDX-License-Identifier: MIT */
/* What the binary's references refer to: through PLT, GOT and TLS. */
#include "match_internal.h"

#include <string.h>

static uint64_t read_value(const uint8_t *p, unsigned int size)
{
	uint64_t v = 0;

	memcpy(&v, p, size);
	if (size == 4)
		return (uint64_t)(int64_t)(int32_t)v;
	return v;
}

static void set_address(struct rp_target *ret, uint64_t address)
{
	ret->kind = RP_TARGET_ADDRESS;
	ret->address = address;
}

static void set_name(struct rp_target *ret, const char *name)
{
	ret->kind = RP_TARGET_NAME;
	ret->name = name;
}

static void set_tls(struct rp_target *ret, uint64_t offset)
{
	ret->kind = RP_TARGET_TLS;
	ret->address = offset;
}

/* Variant II of the ELF TLS ABI: the block ends at the thread pointer. */
static uint64_t tls_offset(const struct rp_binary *binary, uint64_t tpoff)
{
	uint64_t align, size = rp_binary_tls_size(binary, &align);

	if (align > 1)
		size = (size + align - 1) & ~(align - 1);
	return tpoff + size;
}

static void through_plt(const struct rp_binary *binary, uint64_t address,
			struct rp_target *ret)
{
	const struct rp_binary_import *import;
	const struct rp_binary_slot *slot;

	set_address(ret, address);
	import = rp_binary_import_at(binary, address);
	slot = rp_binary_ifunc_at(binary, address);
	if (import && import->plt && rp_binary_is_text(binary, address)) {
		set_name(ret, import->name);
	} else if (slot && rp_binary_is_text(binary, address)) {
		ret->plt = true;
		ret->entry = address;
		ret->address = slot->resolver;
	}
}

static void through_got(const struct rp_binary *binary, uint64_t slot,
			struct rp_target *ret)
{
	const struct rp_binary_reloc *reloc = rp_binary_reloc_at(binary, slot);
	const uint8_t *p;

	if (reloc && *reloc->name) {
		set_name(ret, reloc->name);
	} else if (reloc && reloc->type == R_X86_64_IRELATIVE) {
		ret->plt = true;
		ret->entry = 0;
		set_address(ret, reloc->value);
	} else if (reloc) {
		set_address(ret, reloc->value);
	} else {
		p = rp_binary_bytes(binary, slot, 8);
		if (p)
			set_address(ret, read_value(p, 8));
	}
}

static void through_tpoff(const struct rp_binary *binary, uint64_t slot,
			  struct rp_target *ret)
{
	const struct rp_binary_reloc *reloc = rp_binary_reloc_at(binary, slot);
	const uint8_t *p = rp_binary_bytes(binary, slot, 8);

	if (reloc && *reloc->name)
		set_name(ret, reloc->name);
	else if (reloc)
		set_tls(ret, reloc->value);
	else if (p)
		set_tls(ret, tls_offset(binary, read_value(p, 8)));
}

static void through_pair(const struct rp_binary *binary, uint64_t slot,
			 struct rp_target *ret)
{
	const struct rp_binary_reloc *module = rp_binary_reloc_at(binary, slot);
	const struct rp_binary_reloc *offset =
		rp_binary_reloc_at(binary, slot + 8);
	const uint8_t *p = rp_binary_bytes(binary, slot + 8, 8);

	if (module && *module->name)
		set_name(ret, module->name);
	else if (offset)
		set_tls(ret, offset->value);
	else if (p)
		set_tls(ret, read_value(p, 8));
}

static void through_descriptor(const struct rp_binary *binary, uint64_t slot,
			       struct rp_target *ret)
{
	const struct rp_binary_reloc *reloc = rp_binary_reloc_at(binary, slot);

	if (reloc && *reloc->name)
		set_name(ret, reloc->name);
	else if (reloc)
		set_tls(ret, reloc->value);
}

void rp_find_target(const struct rp_binary *binary, uint8_t kind,
		    uint64_t value, struct rp_target *ret)
{
	*ret = (struct rp_target){ .kind = RP_TARGET_UNKNOWN };
	switch (kind) {
	case RP_VALUE_ADDRESS: through_plt(binary, value, ret); break;
	case RP_VALUE_SLOT: through_got(binary, value, ret); break;
	case RP_VALUE_TPOFF: set_tls(ret, tls_offset(binary, value)); break;
	case RP_VALUE_DTPOFF: set_tls(ret, value); break;
	case RP_VALUE_SLOT_TPOFF: through_tpoff(binary, value, ret); break;
	case RP_VALUE_SLOT_GD: through_pair(binary, value, ret); break;
	case RP_VALUE_SLOT_DESC: through_descriptor(binary, value, ret); break;
	}
}

void rp_find_data_target(const struct rp_binary *binary,
			 const struct rp_ref *ref, uint64_t address,
			 struct rp_target *ret)
{
	const unsigned int size = rp_reloc_width(ref->type);
	const struct rp_binary_reloc *reloc;
	const uint8_t *p;

	*ret = (struct rp_target){ .kind = RP_TARGET_UNKNOWN };
	reloc = rp_binary_reloc_at(binary, address);
	p = rp_binary_bytes(binary, address, size);
	switch (ref->type) {
	case R_X86_64_64:
		if (reloc || !p)
			through_got(binary, address, ret);
		else
			through_plt(binary, read_value(p, 8), ret);
		break;
	case R_X86_64_32:
	case R_X86_64_32S:
		if (p)
			through_plt(binary, read_value(p, 4) &
				    (ref->type == R_X86_64_32 ? UINT32_MAX :
				     UINT64_MAX), ret);
		break;
	case R_X86_64_PC32:
	case R_X86_64_PLT32:
	case R_X86_64_PC64:
		// From the field, or from the start of its table.
		if (p)
			through_plt(binary, address + read_value(p, size) +
				    (uint64_t)(ref->place - ref->addend), ret);
		break;
	}
}
