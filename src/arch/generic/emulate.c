// SPDX-License-Identifier: MIT
/*
 * Architectures whose text is not written: no trap is ours, nothing is stored.
 * The engine refuses batches before it comes here (RP__HAVE_ENGINE).
 */
#include <string.h>

#include "../../arch.h"

bool rp__arch_emulate(void *context, const uint8_t *bytes, size_t len,
		      uintptr_t addr, uintptr_t stub)
{
	(void)context;
	(void)bytes;
	(void)len;
	(void)addr;
	(void)stub;
	return false;
}

uintptr_t rp__arch_trap_address(const void *siginfo, const void *context)
{
	(void)siginfo;
	(void)context;
	return 0;
}

void rp__arch_trap_retry(void *context, uintptr_t addr)
{
	(void)context;
	(void)addr;
}

bool rp__arch_trap_is_foreign(uintptr_t addr)
{
	(void)addr;
	return true;
}

void rp__arch_call_stub(struct rp__call_stub *stub, uintptr_t target,
			uintptr_t back)
{
	memset(stub, 0, sizeof(*stub));
	stub->target = target;
	stub->back = back;
}

bool rp__arch_shadow_stack(void)
{
	return false;
}

void rp__arch_store(void *addr, uint64_t value, unsigned int width)
{
	memcpy(addr, &value, width);
}

void rp__arch_copy(void *to, const void *from, size_t len)
{
	memcpy(to, from, len);
}

void rp__arch_serialize(void)
{
	__sync_synchronize();
}
