/* SPDX-License-Identifier: MIT */
/* Hostile environments that need more than hostile.c's table can say. */
#ifndef SPECIAL_H
#define SPECIAL_H

void set_garbage(void);
void garbage(void);
void text_cannot_be_locked(void);
void map_count(void);
void address_space(void);
void descriptors_reused(void);
void handler_blocks_all(void);
void text_reverted(void);
void setuid_program(void);
void under_qemu(void);

#endif
