/* SPDX-License-Identifier: MIT */
/* Calls everything in functions.S and other.S: the same in every build. */
#include <repoint/linkage.h>

#include <stdint.h>
#include <stdio.h>
#include <unwind.h>

int short_one(int a);
int unaligned(int a);
int with_helper(int a);
int with_other_helper(int a);
int first(int a);
int second(int a);
int labelled(int a);
void last(void);
void unwound(void (*f)(void));
extern int counter, state_second;
extern const char letters[2];
int behave(void);

static int failures;

static void is(const char *what, long got, long want)
{
	if (got == want)
		return;
	printf("%s: %ld, not %ld\n", what, got, want);
	failures++;
}

static int frames, frame_in_unwound, frame_in_behave;

static int within(uintptr_t ip, uintptr_t start, size_t size)
{
	return ip > start && ip <= start + size;
}

static _Unwind_Reason_Code frame(struct _Unwind_Context *context, void *unused)
{
	uintptr_t ip = _Unwind_GetIP(context);

	(void)unused;
	frames++;
	if (within(ip, (uintptr_t)unwound, 32))
		frame_in_unwound = frames;
	if (within(ip, (uintptr_t)behave, 4096))
		frame_in_behave = frames;
	return _URC_NO_REASON;
}

static void backtrace_here(void)
{
	_Unwind_Backtrace(frame, NULL);
}

__attribute__((noinline)) int behave(void)
{
	int (*volatile indirect)(int) = short_one;

	is("short_one", indirect(3), 3);
	is("unaligned", unaligned(3), 4);
	is("with_helper", with_helper(3), 110);
	is("with_other_helper", with_other_helper(3), 200);
	is("first", first(3), 14);
	is("second", second(3), 4);
	is("labelled(1)", labelled(1), 1);
	is("labelled(-1)", labelled(-1), -1);
	is("counter", counter, 5);
	is("state_second", state_second, 8);
	is("letters", letters[1], 'b');
	last();
	counter++;
	is("counter", counter, 6);
	unwound(backtrace_here);
	is("frame of unwound", frame_in_unwound, 2);
	is("frame of its caller", frame_in_behave, 3);
	is("RP_DETOUR_SIZE", RP_DETOUR_SIZE, WANT_DETOUR);
	return failures;
}
