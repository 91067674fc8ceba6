// SPDX-License-Identifier: MIT
/*
 * Every hook and every kind of marked data; records.sh reads the object file.
 * What a record has to say stands beside it: `//=` and a line of read-records.
 */
#include <repoint/livepatch.h>

/* In the order of the source, though the compiler would rather not. */
static int veto(void) { return -1; }
RP_LIVEPATCH_PRE_APPLY(veto);		//= hook 1 veto
static void second(void) { }
static void run(void) { }
RP_LIVEPATCH_APPLY(run);		//= hook 2 run
RP_LIVEPATCH_APPLY(second);		//= hook 2 second
RP_LIVEPATCH_POST_APPLY(run);		//= hook 3 run
#ifdef __cplusplus
extern "C"
#else
extern
#endif
int outside(void);
RP_LIVEPATCH_PRE_REVERT(outside);	//= hook 4 outside
RP_LIVEPATCH_PRE_APPLY(outside);	//= hook 1 outside
RP_LIVEPATCH_REVERT(run);		//= hook 5 run
RP_LIVEPATCH_POST_REVERT(second);	//= hook 6 second

struct limits {
	int low;
	unsigned char high[4];
	const int *where;
};

int counter = 5;
static int hidden = 6;
static int zero;
static volatile short quick = 1;
char text[8] = "new";
static int table[4] = { 1, 2, 3, 4 };
static const int *pointer = &counter;
struct limits limits = { 1, { 1, 2, 3, 4 }, &counter };

RP_LIVEPATCH_KEEP(counter);		//= data 1 4 counter
RP_LIVEPATCH_SET(hidden);		//= data 2 4 hidden
RP_LIVEPATCH_SET_EXPECT(counter, 7);	//= data 3 4 counter 07000000
RP_LIVEPATCH_SET_EXPECT(zero, 0);	//= data 3 4 zero 00000000
RP_LIVEPATCH_SET_EXPECT(quick, 0x102);	//= data 3 2 quick 0201
RP_LIVEPATCH_SET(table);		//= data 2 16 table
RP_LIVEPATCH_SET(table[2]);		//= data 2 4 table+8
RP_LIVEPATCH_KEEP(limits.high);		//= data 1 4 limits+4
RP_LIVEPATCH_SET_EXPECT(limits.high[1], 9); //= data 3 1 limits+5 09
RP_LIVEPATCH_SET_EXPECT(text, "old");	//= data 3 8 text 6f6c640000000000
RP_LIVEPATCH_SET_EXPECT(table, { 4, 3, 2, 1 }); //= data 3 16 table 04000000030000000200000001000000
RP_LIVEPATCH_SET_EXPECT(pointer, &counter); //= data 3 8 pointer 0000000000000000
RP_LIVEPATCH_SET_EXPECT(limits, { 2, { 5, 6, 7, 8 }, NULL }); //= data 3 16 limits 02000000050607080000000000000000

int use(void)
{
	static int calls = 3;
	static int other[2] = { 3, 4 };
	RP_LIVEPATCH_KEEP(calls);	//= data 1 4 calls
	RP_LIVEPATCH_SET_EXPECT(other, { 1, 2 }); //= data 3 8 other 0100000002000000

	return ++calls + ++other[1] + ++hidden + ++table[counter & 3] + ++zero +
	       *pointer + quick++;
}

#ifndef __cplusplus
static struct limits more = { 3, { 0 }, NULL };
RP_LIVEPATCH_SET_EXPECT(more, (struct limits){ .low = 1, .high = { 1, 1 } }); //= c data 3 16 more 01000000010100000000000000000000

int use_more(void)
{
	return more.low++;
}
#endif
