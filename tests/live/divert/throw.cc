// SPDX-License-Identifier: MIT
// Exceptions that leave a function whose return address is the waiting place's,
// and whose caller takes no notice of them; and callers that do.
#include <cstdint>
#include <string>
#include <unwind.h>

extern "C" void dwell(unsigned int seed);
extern "C" void throw_and_check(unsigned int seed, volatile uint64_t *errors);
extern "C" unsigned int relay(unsigned int seed, unsigned int (*fn)(unsigned int));

#define WORK	__attribute__((section("work_text"), noinline))
#define CATCH	__attribute__((section("catch_text"), noinline))

// Calls, and leaves nothing else on the stack: what is next to the waiting place
// is the frame that may catch.
__asm__(
"	.pushsection .text\n"
"	.type relay, @function\n"
"relay:\n"
"	.cfi_startproc\n"
"	call *%rsi\n"
"	ret\n"
"	.cfi_endproc\n"
"	.size relay, . - relay\n"
"	.popsection\n");

namespace {

int destroyed;

// Between the search for who catches and the way there.
struct guard {
	unsigned int seed;
	~guard()
	{
		dwell(seed);
		__atomic_fetch_add(&destroyed, 1, __ATOMIC_RELAXED);
	}
};

__attribute__((force_align_arg_pointer))
WORK unsigned int thrower(unsigned int seed)
{
	guard slow{seed * 7};
	std::string text(seed % 100, 'x');

	dwell(seed);
	if (seed % 4)
		throw seed;
	return static_cast<unsigned int>(text.size());
}

// A walk from sees(): so slow where the waiting place is that it is taken back
// meanwhile, if somebody does that.
struct walk {
	unsigned int seed, frames;
	bool found;
};

_Unwind_Reason_Code look(_Unwind_Context *context, void *argument)
{
	walk *w = static_cast<walk *>(argument);
	uintptr_t start = reinterpret_cast<uintptr_t>(&throw_and_check);
	uintptr_t pc = _Unwind_GetIP(context);

	w->found |= pc >= start && pc < start + 1000;
	if (++w->frames == 2)
		dwell(w->seed * 3);
	return _URC_NO_REASON;
}

// Does a walk from here get to the caller's caller?
__attribute__((force_align_arg_pointer))
WORK unsigned int sees(unsigned int seed)
{
	walk w{seed, 0, false};

	dwell(seed);
	_Unwind_Backtrace(look, &w);
	return w.found;
}

// Catches in the caller's caller, further out, and in the caller, which is refused.
CATCH unsigned int between(unsigned int seed)
{
	guard on_the_way{seed};

	if (seed / 3 % 3 == 0)
		return relay(seed, thrower);
	try {
		return seed / 3 % 3 == 1 ? relay(seed, thrower) : thrower(seed);
	} catch (unsigned int value) {
		return value;
	}
}

} // namespace

CATCH void throw_and_check(unsigned int seed, volatile uint64_t *errors)
{
	unsigned int expected = seed % 4 ? seed : seed % 100;
	unsigned int got;

	try {
		got = between(seed);
	} catch (unsigned int value) {
		got = value;
	}
	if (got != expected || !relay(seed, sees))
		__atomic_fetch_add(errors, 1, __ATOMIC_RELAXED);
}
