/* SPDX-License-Identifier: MIT */
/* Frames of all kinds, in a known order, between a caller and a leaf. */
#ifndef TESTS_UNWIND_SUBJECT_H
#define TESTS_UNWIND_SUBJECT_H

typedef void leaf_fn(void *data);

/**
 * subject_mixed() - call @leaf through @depth functions: without frame pointer,
 * with one, with an array of variable size, realigned, with a frame larger than
 * 16 bits can say, and through a callback of libc.
 */
void subject_mixed(unsigned int depth, leaf_fn *leaf, void *data);

/** subject_deep() - call @leaf through @depth calls of one function. */
void subject_deep(unsigned int depth, leaf_fn *leaf, void *data);

/** subject_work() - keep registers, stack and libc busy. */
unsigned long subject_work(unsigned long x);

#endif
