// SPDX-License-Identifier: MIT
/*
 * 4096 static calls, k_Baaa to k_Bppp, where B is -DBLOCK: one for each site
 * of a block of the chains, each to a function of its own.
 */
#include <repoint/static_call.h>

#define KEY(name)							\
	extern uint64_t t_##name(uint64_t x) RP__HIDDEN;		\
	RP_DEFINE_STATIC_CALL(k_##name, t_##name);

#define TIMES16(X, name)						\
	X(name##a) X(name##b) X(name##c) X(name##d)			\
	X(name##e) X(name##f) X(name##g) X(name##h)			\
	X(name##i) X(name##j) X(name##k) X(name##l)			\
	X(name##m) X(name##n) X(name##o) X(name##p)
#define KEYS16(name)	TIMES16(KEY, name)
/* A macro cannot expand inside its own expansion: once more each. */
#define TIMES16_(X, name)						\
	X(name##a) X(name##b) X(name##c) X(name##d)			\
	X(name##e) X(name##f) X(name##g) X(name##h)			\
	X(name##i) X(name##j) X(name##k) X(name##l)			\
	X(name##m) X(name##n) X(name##o) X(name##p)
#define KEYS256(name)	TIMES16_(KEYS16, name)
#define TIMES16__(X, name)						\
	X(name##a) X(name##b) X(name##c) X(name##d)			\
	X(name##e) X(name##f) X(name##g) X(name##h)			\
	X(name##i) X(name##j) X(name##k) X(name##l)			\
	X(name##m) X(name##n) X(name##o) X(name##p)
#define KEYS4096(name)	TIMES16__(KEYS256, name)
#define KEYS(block)	KEYS4096(block)

KEYS(BLOCK)
