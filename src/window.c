// SPDX-License-Identifier: MIT
/*
 * Making text writable, and exactly as it was again: two mprotect calls for a
 * run of neighbouring pages, however many sites are in it.
 *
 * The pages stay executable meanwhile, because other threads execute them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "inject.h"
#include "log.h"
#include "maps.h"
#include "window.h"

static struct rp__window *windows(const struct rp_text_poke_batch *batch)
{
	return batch->windows.data;
}

static size_t windows_nr(const struct rp_text_poke_batch *batch)
{
	return batch->windows.used / sizeof(struct rp__window);
}

static int no_mapping(const struct rp_text_poke_batch *batch, int error,
		      uintptr_t addr)
{
	return rp__fail(batch->opts.error, error, (void *)addr,
			error == -EFAULT ?
			"%p: no readable memory is mapped there" :
			"%p: its protection cannot be told; is /proc mounted?",
			(void *)addr);
}

/* Add the pages start..end, which may span mappings of different protection. */
static int add_run(struct rp_text_poke_batch *batch, uintptr_t start,
		   uintptr_t end)
{
	struct rp__mapping mapping;
	struct rp__window *window;
	int error;

	for (; start < end; start = mapping.end) {
		error = rp__maps_query(start, &mapping);
		if (error < 0)
			return no_mapping(batch, error, start);
		if (!(mapping.prot & PROT_READ))
			return no_mapping(batch, -EFAULT, start);
		window = rp__vec_push(&batch->windows, sizeof(*window));
		if (!window)
			return rp__fail(batch->opts.error, -ENOMEM, NULL,
					"no memory for the list of pages");
		window->start = start;
		window->end = mapping.end < end ? mapping.end : end;
		window->prot = mapping.prot;
	}
	return 0;
}

int rp__windows_find(struct rp_text_poke_batch *batch)
{
	const struct rp__poke *poke = rp__batch_pokes(batch);
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	size_t nr = rp__batch_nr(batch);
	uintptr_t start = 0, end = 0;
	int error;

	batch->windows.used = 0;
	for (size_t i = 0; i < nr; i++) {
		uintptr_t first = (uintptr_t)poke[i].addr & -page;
		uintptr_t last = ((uintptr_t)poke[i].addr + poke[i].len - 1 +
				  page) & -page;

		if (first > end) {
			error = add_run(batch, start, end);
			if (error < 0)
				return error;
			start = first;
		}
		if (last > end)
			end = last;
	}
	return add_run(batch, start, end);
}

static int protect(const struct rp__window *window, int prot)
{
	rp__count(&rp__stats.mprotects);
	return mprotect((void *)window->start, window->end - window->start,
			prot);
}

static bool is_writable(const struct rp__window *window)
{
	return window->prot & PROT_WRITE;
}

/* Restore the first @nr windows. */
static int close_first(struct rp_text_poke_batch *batch, size_t nr)
{
	struct rp__window *w = windows(batch);
	int error = 0;

	for (size_t i = 0; i < nr; i++) {
		if (is_writable(&w[i]))
			continue;
		if (RP__FAIL(RP__FAIL_PROTECT) || protect(&w[i], w[i].prot) < 0)
			error = rp__fail(batch->opts.error, -EPERM,
					 (void *)w[i].start,
					 "%p: the protection could not be restored: the pages are still writable",
					 (void *)w[i].start);
	}
	return error;
}

static int open_failed(struct rp_text_poke_batch *batch, size_t at, int error)
{
	uintptr_t start = windows(batch)[at].start;

	close_first(batch, at);
	return rp__fail(batch->opts.error, error == ENOMEM ? -ENOMEM : -EPERM,
			(void *)start,
			"%p: mprotect refuses to make text writable (%s)%s",
			(void *)start, strerror(error),
			error == ENOMEM ? "; see vm.max_map_count" : "");
}

int rp__windows_open(struct rp_text_poke_batch *batch)
{
	struct rp__window *w = windows(batch);
	size_t nr = windows_nr(batch);

	for (size_t i = 0; i < nr; i++) {
		int error = RP__FAIL(RP__FAIL_UNPROTECT);

		if (error < 0)
			return open_failed(batch, i, -error);
		if (!is_writable(&w[i]) &&
		    protect(&w[i], w[i].prot | PROT_WRITE) < 0)
			return open_failed(batch, i, errno);
	}
	return 0;
}

int rp__windows_close(struct rp_text_poke_batch *batch)
{
	return close_first(batch, windows_nr(batch));
}
