/* SPDX-License-Identifier: MIT */
/* The instructions of a function as text, through Zydis. */
#define _GNU_SOURCE
#include "listing.h"

#include "../../object/grow.h"

#include <Zydis/Zydis.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TEXT	512

/* Zydis's own functions, behind ours. */
struct hooks {
	ZydisFormatterFunc address, disp, imm;
};

struct run {
	const struct rp_listing_code *in;
	ZydisDecoder decoder;
	ZydisFormatter formatter;
	struct hooks next;
	uint64_t offset;	/* of the present instruction */
	bool key;		/* what is written is a key */
};

/* ZyanStringAppend() is in a library that need not be there. */
static ZyanStatus append(ZydisFormatterBuffer *buffer, const char *text)
{
	size_t length = strlen(text);
	ZyanString *string;
	ZyanVector *v;

	ZYAN_CHECK(ZydisFormatterBufferAppend(buffer, ZYDIS_TOKEN_SYMBOL));
	ZYAN_CHECK(ZydisFormatterBufferGetString(buffer, &string));
	v = &string->vector;
	if (length > v->capacity - v->size)
		return ZYAN_STATUS_INSUFFICIENT_BUFFER_SIZE;
	memcpy((char *)v->data + v->size - 1, text, length + 1);
	v->size += length;
	return ZYAN_STATUS_SUCCESS;
}

static bool is_inside(const struct run *run, uint64_t address)
{
	return address > run->in->address &&
	       address - run->in->address < run->in->size;
}

/* The text for a field; "" if it has no name. */
static void name_field(const struct run *run,
		       const struct rp_listing_field *field, char *name)
{
	bool address = field->what == RP_LISTING_BRANCH ||
		       field->what == RP_LISTING_RIP;

	*name = '\0';
	if (run->in->name(run->in->context, field, name))
		return;
	*name = '\0';
	if (!address || !is_inside(run, field->value))
		return;
	if (run->key)
		strcpy(name, "<+>");
	else
		snprintf(name, RP_LISTING_NAME_MAX, "<+0x%llx>",
			 (unsigned long long)(field->value - run->in->address));
}

/* A displacement, beside a register or alone. */
static ZyanStatus print_disp_as(ZydisFormatterFunc otherwise,
				const ZydisFormatter *formatter,
				ZydisFormatterBuffer *buffer,
				ZydisFormatterContext *context)
{
	const ZydisDecodedInstruction *insn = context->instruction;
	struct run *run = context->user_data;
	char name[RP_LISTING_NAME_MAX];
	const struct rp_listing_field field = {
		.what = RP_LISTING_DISP,
		.offset = run->offset + insn->raw.disp.offset,
		.behind = run->offset + insn->length,
		.value = context->operand->mem.disp.value,
		.size = insn->raw.disp.size / 8,
		.tls = context->operand->mem.segment == ZYDIS_REGISTER_FS,
	};

	name_field(run, &field, name);
	return *name ? append(buffer, name) :
		       otherwise(formatter, buffer, context);
}

static ZyanStatus print_disp(const ZydisFormatter *formatter,
			     ZydisFormatterBuffer *buffer,
			     ZydisFormatterContext *context)
{
	struct run *run = context->user_data;

	return print_disp_as(run->next.disp, formatter, buffer, context);
}

static ZyanStatus print_relative(const ZydisFormatter *formatter,
				 ZydisFormatterBuffer *buffer,
				 ZydisFormatterContext *context, bool branch)
{
	const ZydisDecodedInstruction *insn = context->instruction;
	struct run *run = context->user_data;
	char name[RP_LISTING_NAME_MAX];
	struct rp_listing_field field = {
		.what = branch ? RP_LISTING_BRANCH : RP_LISTING_RIP,
		.offset = run->offset + (branch ? insn->raw.imm[0].offset :
						  insn->raw.disp.offset),
		.behind = run->offset + insn->length,
		.size = (branch ? insn->raw.imm[0].size :
				  insn->raw.disp.size) / 8,
	};

	ZYAN_CHECK(ZydisCalcAbsoluteAddress(insn, context->operand,
					    context->runtime_address,
					    &field.value));
	name_field(run, &field, name);
	if (*name)
		return append(buffer, name);
	return run->next.address(formatter, buffer, context);
}

// Also called for operands in memory that are neither: mov %fs:40, %rax.
static ZyanStatus print_address(const ZydisFormatter *formatter,
				ZydisFormatterBuffer *buffer,
				ZydisFormatterContext *context)
{
	bool branch = context->operand->type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
	struct run *run = context->user_data;

	if (!branch && context->operand->mem.base != ZYDIS_REGISTER_RIP)
		return print_disp_as(run->next.address, formatter, buffer,
				     context);
	ZYAN_CHECK(print_relative(formatter, buffer, context, branch));
	return branch ? ZYAN_STATUS_SUCCESS : append(buffer, "(%rip)");
}

static ZyanStatus print_imm(const ZydisFormatter *formatter,
			    ZydisFormatterBuffer *buffer,
			    ZydisFormatterContext *context)
{
	const ZydisDecodedInstruction *insn = context->instruction;
	struct run *run = context->user_data;
	char name[RP_LISTING_NAME_MAX];
	const struct rp_listing_field field = {
		.what = RP_LISTING_IMM,
		.offset = run->offset + insn->raw.imm[0].offset,
		.behind = run->offset + insn->length,
		.value = context->operand->imm.value.u,
		.size = insn->raw.imm[0].size / 8,
	};

	name_field(run, &field, name);
	if (!*name)
		return run->next.imm(formatter, buffer, context);
	ZYAN_CHECK(append(buffer, "$"));
	return append(buffer, name);
}

static bool set_hook(ZydisFormatter *formatter, ZydisFormatterFunction type,
		     ZydisFormatterFunc *hook)
{
	const void *callback;

	memcpy(&callback, hook, sizeof(callback));
	if (ZYAN_FAILED(ZydisFormatterSetHook(formatter, type, &callback)))
		return false;
	memcpy(hook, &callback, sizeof(callback));
	return true;
}

static bool start(struct run *run)
{
	ZydisFormatter *f = &run->formatter;

	run->next = (struct hooks){ print_address, print_disp, print_imm };
	return ZYAN_SUCCESS(ZydisDecoderInit(&run->decoder,
					     ZYDIS_MACHINE_MODE_LONG_64,
					     ZYDIS_STACK_WIDTH_64)) &&
	       ZYAN_SUCCESS(ZydisFormatterInit(f, ZYDIS_FORMATTER_STYLE_ATT)) &&
	       ZYAN_SUCCESS(ZydisFormatterSetProperty(f,
				ZYDIS_FORMATTER_PROP_HEX_UPPERCASE, 0)) &&
	       ZYAN_SUCCESS(ZydisFormatterSetProperty(f,
				ZYDIS_FORMATTER_PROP_ADDR_PADDING_ABSOLUTE,
				ZYDIS_PADDING_DISABLED)) &&
	       ZYAN_SUCCESS(ZydisFormatterSetProperty(f,
				ZYDIS_FORMATTER_PROP_DISP_PADDING,
				ZYDIS_PADDING_DISABLED)) &&
	       ZYAN_SUCCESS(ZydisFormatterSetProperty(f,
				ZYDIS_FORMATTER_PROP_IMM_PADDING,
				ZYDIS_PADDING_DISABLED)) &&
	       set_hook(f, ZYDIS_FORMATTER_FUNC_PRINT_ADDRESS_ABS,
			&run->next.address) &&
	       set_hook(f, ZYDIS_FORMATTER_FUNC_PRINT_DISP,
			&run->next.disp) &&
	       set_hook(f, ZYDIS_FORMATTER_FUNC_PRINT_IMM, &run->next.imm);
}

static void format(struct run *run, const ZydisDecodedInstruction *insn,
		   const ZydisDecodedOperand *operands, bool key, char *text)
{
	run->key = key;
	if (ZYAN_FAILED(ZydisFormatterFormatInstruction(&run->formatter, insn,
			operands, insn->operand_count_visible, text, MAX_TEXT,
			run->in->address + run->offset, run)))
		snprintf(text, MAX_TEXT, "(a long instruction)");
}

// A byte that is no instruction: data inside code, or a damaged function.
static size_t decode(struct run *run, char *text, char *key)
{
	const uint8_t *at = run->in->code + run->offset;
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction insn;

	if (ZYAN_FAILED(ZydisDecoderDecodeFull(&run->decoder, at,
			run->in->size - run->offset, &insn, operands))) {
		snprintf(text, MAX_TEXT, ".byte 0x%02x", *at);
		strcpy(key, text);
		return 1;
	}
	format(run, &insn, operands, false, text);
	format(run, &insn, operands, true, key);
	// Fill: it has the length that happens to be needed.
	if (insn.mnemonic == ZYDIS_MNEMONIC_NOP)
		strcpy(key, "nop");
	return insn.length;
}

static int add_line(struct rp_listing *listing, uint64_t offset,
		    const char *text, const char *key)
{
	struct rp_listing_line line = { offset, strdup(text), strdup(key) };

	if (!line.text || !line.key ||
	    rp_grow(&listing->v, &listing->capacity, listing->n + 1,
		    sizeof(*listing->v))) {
		free(line.text);
		free(line.key);
		return -ENOMEM;
	}
	listing->v[listing->n++] = line;
	return 0;
}

int rp_listing_init(struct rp_listing *listing,
		    const struct rp_listing_code *code, struct rp_diag *diag)
{
	struct run run = { .in = code };
	char text[MAX_TEXT], key[MAX_TEXT];

	memset(listing, 0, sizeof(*listing));
	if (!start(&run))
		return rp_diag_nomem(diag);
	while (run.offset < code->size) {
		size_t length = decode(&run, text, key);

		if (add_line(listing, run.offset, text, key))
			return rp_diag_nomem(diag);
		run.offset += length;
	}
	return 0;
}

void rp_listing_deinit(struct rp_listing *listing)
{
	for (size_t i = 0; i < listing->n; i++) {
		free(listing->v[i].text);
		free(listing->v[i].key);
	}
	free(listing->v);
	memset(listing, 0, sizeof(*listing));
}
