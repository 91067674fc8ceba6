/* SPDX-License-Identifier: MIT */
/*
 * What libdw says about a frame, as values: registers and memory are made up, the
 * same for all who ask, so that two descriptions can be compared without
 * looking alike.
 */
#ifndef REPOINT_TESTS_OBJECT_FRAMES_JUDGE_H
#define REPOINT_TESTS_OBJECT_FRAMES_JUDGE_H

#include "../../object/frames/rows.h"
#include "../../object/elf/mapped_file.h"

#include <elfutils/libdw.h>

/** enum j_kind - what is known of a register. */
enum j_kind {
	J_SAME, J_UNDEFINED, J_SAME_OR_UNDEFINED, J_MEMORY, J_VALUE, J_OTHER,
};

struct j_value {
	enum j_kind kind;
	uint64_t value;		/* MEMORY: the address */
};

/** struct j_frame - @reg by numbers of instructions, @ra the return address. */
struct j_frame {
	bool cfa_known;
	uint64_t cfa;
	struct j_value reg[RP_REG_NR], ra;
	uint64_t start, end;	/* libdw's row */
	bool signal;
};

/** Made up values, odd enough that sums do not meet. */
uint64_t j_register(unsigned int reg);
uint64_t j_memory(uint64_t address);

struct judge {
	int fd;
	Elf *elf;
	Dwarf_CFI *cfi;
};

bool judge_open(struct judge *judge, const char *path);
void judge_close(struct judge *judge);

/** judge_frame() - false: libdw knows no frame there. */
bool judge_frame(const struct judge *judge, uint64_t address,
		 struct j_frame *ret);

/** row_frame() - the same, of one of our rows at an address. */
void row_frame(const struct rp_frame_row *row, uint64_t address,
	       struct j_frame *ret);

bool j_same(const struct j_value *a, const struct j_value *b);

/** row_at_address() - our row at an address of a linked file; NULL: none. */
struct file;
const struct rp_frame_row *row_at_address(const struct file *file,
					  uint64_t address);

/** struct file - an object that is open. */
struct file {
	const char *path;
	void *image;
	size_t size;
	struct rp_relobj obj;
	struct rp_frame_rows rows;
};

/** file_open() - and read its rows; exits if that fails. */
void file_open(struct file *file, const char *path);
void file_close(struct file *file);

#endif /* REPOINT_TESTS_OBJECT_FRAMES_JUDGE_H */
