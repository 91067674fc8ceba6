/* SPDX-License-Identifier: MIT */
/* Ops tables, under the names that RP_DEFINE_OPS() gives them. */
struct ops {
	int (*first)(int);
	int (*second)(int);
	int number;
	int (*array[2])(int);
};

#define NAMED(name)	__asm__("rp_ops__" #name)
#define HIDDEN		__attribute__((visibility("hidden")))

extern struct ops data NAMED(data) HIDDEN;
extern struct ops bss NAMED(bss) HIDDEN;
extern const struct ops ro NAMED(ro) HIDDEN;

int add1(int x);
int add2(int x);
void fill_tables(void);
void fill_local(void);
struct ops *local_table(void);
int all(int x);
int walk(void);
