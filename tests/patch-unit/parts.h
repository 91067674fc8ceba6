/* SPDX-License-Identifier: MIT */
int a_entry(int v);
int b_entry(int v);
int chosen(int v);
int part_of(int v);
int run(int argc);
int compare_ints(const void *a, const void *b);
