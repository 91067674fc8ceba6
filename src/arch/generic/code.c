// SPDX-License-Identifier: MIT
/*
 * Architectures without a decoder: nothing is an instruction that could be
 * copied, so that a caller leaves all code where it was built.
 */
#include <errno.h>
#include <string.h>

#include "../../code.h"

int rp__code_decode(const uint8_t *bytes, size_t len,
		    struct rp__code_insn *ret)
{
	(void)bytes;
	(void)len;
	memset(ret, 0, sizeof(*ret));
	return -EILSEQ;
}

int rp__code_check(const uint8_t *code, size_t len, uintptr_t addr, size_t *at)
{
	(void)code;
	(void)addr;
	if (!len)
		return 0;
	*at = 0;
	return -EILSEQ;
}

int rp__code_relocate(uint8_t *code, size_t len, uintptr_t from, uintptr_t to,
		      size_t *at)
{
	(void)to;
	return rp__code_check(code, len, from, at);
}

void rp__code_optimize_nops(uint8_t *code, size_t len, uintptr_t addr)
{
	(void)code;
	(void)len;
	(void)addr;
}

int rp__code_finish(uint8_t *code, size_t len, uintptr_t addr, size_t *at)
{
	return rp__code_check(code, len, addr, at);
}

bool rp__code_is_single(const uint8_t *code, size_t len)
{
	(void)code;
	(void)len;
	return false;
}
