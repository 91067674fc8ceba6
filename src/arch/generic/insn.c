// SPDX-License-Identifier: MIT
/*
 * Architectures without an encoder: nothing is a site, nothing reaches. Calls
 * and branches go through memory there (<repoint/arch/generic.h>), so that no
 * table has a record and none of this is ever asked.
 */
#include <errno.h>
#include <string.h>

#include "../../arch.h"

bool rp__insn_reaches(uintptr_t end, uintptr_t target)
{
	(void)end;
	(void)target;
	return false;
}

int rp__insn_decode(const uint8_t *bytes, size_t len, uintptr_t addr,
		    struct rp__insn *ret)
{
	(void)bytes;
	(void)len;
	(void)addr;
	memset(ret, 0, sizeof(*ret));
	return -EILSEQ;
}

int rp__insn_encode(enum rp__insn_type type, unsigned int condition,
		    uintptr_t addr, uintptr_t target, uint8_t *ret, size_t len)
{
	(void)type;
	(void)condition;
	(void)addr;
	(void)target;
	(void)ret;
	(void)len;
	return -ERANGE;
}
