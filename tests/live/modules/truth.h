/* SPDX-License-Identifier: MIT */
/* Lines for check.c, as the process itself sees it. */
#ifndef TRUTH_H
#define TRUTH_H

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>

static inline char *thread_pointer(void)
{
	char *tp;

	__asm__("mov %%fs:0, %0" : "=r"(tp));
	return tp;
}

struct block {
	char *address;
	unsigned long module;
};

static inline int find_block(struct dl_phdr_info *info, size_t size,
			     void *context)
{
	struct block *b = context;
	char *data = info->dlpi_tls_data;

	(void)size;
	for (size_t i = 0; data && i < info->dlpi_phnum; i++) {
		if (info->dlpi_phdr[i].p_type == PT_TLS && b->address >= data &&
		    b->address < data + info->dlpi_phdr[i].p_memsz)
			b->module = info->dlpi_tls_modid;
	}
	return 0;
}

static inline void *tls_offset(void *address)
{
	return (void *)((char *(*)(void))address)() - (size_t)thread_pointer();
}

/* @address: of a variable in the calling thread */
static inline void print_tls(const char *name, void *from,
			     char *(*address)(void))
{
	struct block b = { address(), 0 };
	long here = (long)tls_offset((void *)address);
	pthread_t thread;
	void *there;

	dl_iterate_phdr(find_block, &b);
	if (pthread_create(&thread, NULL, tls_offset, (void *)address) ||
	    pthread_join(thread, &there))
		printf("no thread\n");
	else if ((long)there == here)
		printf("tls %s %p %ld %lu\n", name, from, here, b.module);
	else
		printf("tls %s %p dynamic %lu\n", name, from, b.module);
}

/* @version: "-": as dlsym(), ".": as a reference without one */
static inline void print_want(const char *name, const char *version, void *from,
			      void *address)
{
	if (address)
		printf("want %s %s %p %p\n", name, version, from, address);
	else
		printf("want %s %s %p none\n", name, version, from);
}

#endif /* TRUTH_H */
