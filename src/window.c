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

static uintptr_t page_size(void)
{
	static uintptr_t size;

	if (!size)
		size = (uintptr_t)sysconf(_SC_PAGESIZE);
	return size;
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

/* Make @cursor look at the mapping of @addr. */
static int look_at(const struct rp_text_poke_batch *batch,
		   struct rp__cursor *cursor, uintptr_t addr)
{
	int error;

	if (addr - cursor->map.start < cursor->map.end - cursor->map.start)
		return 0;
	error = rp__maps_query(addr, &cursor->map);
	if (!error && !(cursor->map.prot & PROT_READ))
		error = -EFAULT;
	if (error < 0) {
		cursor->map.start = cursor->map.end = 0;
		return no_mapping(batch, error, addr);
	}
	return 0;
}

int rp__window_check(const struct rp_text_poke_batch *batch,
		     struct rp__cursor *cursor, uintptr_t addr, size_t len)
{
	uintptr_t end = addr + len;
	int error = 0;

	for (; addr < end && !error; addr = cursor->map.end)
		error = look_at(batch, cursor, addr);
	return error;
}

/* Pages start..end, all of the cursor's mapping. */
static int add_pages(struct rp_text_poke_batch *batch,
		     const struct rp__cursor *cursor, uintptr_t start,
		     uintptr_t end)
{
	size_t nr = windows_nr(batch);
	struct rp__window *window = nr ? &windows(batch)[nr - 1] : NULL;

	if (window && start <= window->end && window->end > cursor->map.start) {
		if (end > window->end)
			window->end = end;
		return 0;
	}
	window = rp__vec_push(&batch->windows, sizeof(*window));
	if (!window)
		return rp__fail(batch->opts.error, -ENOMEM, NULL,
				"no memory for the list of pages");
	window->start = start;
	window->end = end;
	window->prot = cursor->map.prot;
	return 0;
}

int rp__window_cover(struct rp_text_poke_batch *batch,
		     struct rp__cursor *cursor, uintptr_t addr, size_t len)
{
	uintptr_t page = page_size();
	uintptr_t start = addr & -page, end = (addr + len + page - 1) & -page;
	int error = 0;

	while (start < end && !error) {
		uintptr_t part;

		error = look_at(batch, cursor, start);
		if (error < 0)
			break;
		part = cursor->map.end < end ? cursor->map.end : end;
		error = add_pages(batch, cursor, start, part);
		start = part;
	}
	cursor->covered = end;
	return error;
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
