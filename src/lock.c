// SPDX-License-Identifier: MIT
/*
 * The text lock: one for the process.
 *
 * Two shared objects may each contain a copy of this library, with hidden
 * symbols and in different dlopen scopes, so no symbol can be common to them.
 * What they do share is the address space: the lock lives in a page at a fixed
 * address, and the kernel decides who maps it first (MAP_FIXED_NOREPLACE). The
 * page holds no pointers. A foreign mapping at that address is recognised by
 * its contents, and the next candidate is tried.
 *
 * The page is wiped in a child of fork, also of one made by a raw clone while
 * another thread was in the middle of a commit: such a child finds the lock
 * free and a new generation, and the engine completes the orphaned batch.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "lock.h"
#include "log.h"

#ifndef MAP_FIXED_NOREPLACE
# define MAP_FIXED_NOREPLACE	0x100000
#endif
#ifndef MADV_WIPEONFORK
# define MADV_WIPEONFORK	18
#endif

#define PAGE_MAGIC		0x7470636bu	/* "kcpt" */
#define PAGE_VERSION		1u
#define PAGE_SIZE_MAX		65536
/* Below position-independent executables, above sanitizers' shadows. */
#define PAGE_ADDRESS		((uintptr_t)0x525000000000u)
#define PAGE_STEP		((uintptr_t)0x10000000u)
#define PAGE_CANDIDATES		8

/*
 * struct lock_page - what all copies of the library share. The layout is an
 * ABI between versions: fields are only added.
 * @magic:      PAGE_MAGIC, 0 when the page is new or was wiped
 * @state:      futex: 0 free, 1 held, 2 held and awaited
 * @owner:      thread that holds it
 * @generation: never twice the same, 0 when the page is new or was wiped
 */
struct lock_page {
	uint32_t magic;
	uint32_t version;
	uint32_t state;
	uint32_t owner;
	uint64_t generation;
};

/* Used when no candidate address can be had: excludes this copy's threads. */
static struct lock_page private_page;
static struct lock_page *page;

static uint32_t self(void)
{
	return (uint32_t)syscall(SYS_gettid);
}

static uint64_t new_generation(void)
{
	struct timespec now = { 0, 0 };

	clock_gettime(CLOCK_MONOTONIC, &now);
	return ((uint64_t)getpid() << 40 ^
		(uint64_t)now.tv_sec * 1000000000u ^ (uint64_t)now.tv_nsec) | 1;
}

/* Reads without faulting: a foreign mapping need not be readable. */
static bool is_ours(struct lock_page *candidate)
{
	struct lock_page copy;
	struct iovec local = { &copy, sizeof(copy) };
	struct iovec remote = { candidate, sizeof(copy) };

	if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) !=
	    (ssize_t)sizeof(copy))
		return false;
	return copy.magic == PAGE_MAGIC && copy.version == PAGE_VERSION;
}

static struct lock_page *map_candidate(uintptr_t address, size_t size)
{
	struct lock_page *candidate = (struct lock_page *)address;
	void *found = mmap(candidate, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
			   -1, 0);

	if (found == MAP_FAILED)
		return errno == EEXIST && is_ours(candidate) ? candidate : NULL;
	if (found != candidate) {
		/* A kernel before 4.17 takes the address for a hint. */
		munmap(found, size);
		return NULL;
	}
	madvise(candidate, size, MADV_WIPEONFORK);
	candidate->version = PAGE_VERSION;
	__atomic_store_n(&candidate->magic, PAGE_MAGIC, __ATOMIC_RELEASE);
	return candidate;
}

static struct lock_page *find_page(void)
{
	struct lock_page *found = NULL;

	for (int i = 0; i < PAGE_CANDIDATES && !found; i++)
		found = map_candidate(PAGE_ADDRESS + (uintptr_t)i * PAGE_STEP,
				      (size_t)sysconf(_SC_PAGESIZE));
	return found ? found : &private_page;
}

static struct lock_page *get_page(void)
{
	struct lock_page *known = __atomic_load_n(&page, __ATOMIC_ACQUIRE);

	if (!known) {
		known = find_page();
		__atomic_store_n(&page, known, __ATOMIC_RELEASE);
	}
	return known;
}

static void futex(uint32_t *word, int op, uint32_t value)
{
	syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

static void acquire(struct lock_page *p)
{
	uint32_t state = 0;

	if (__atomic_compare_exchange_n(&p->state, &state, 1, false,
					__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	while (__atomic_exchange_n(&p->state, 2, __ATOMIC_ACQUIRE) != 0)
		futex(&p->state, FUTEX_WAIT, 2);
}

int rp__lock(void)
{
	struct lock_page *p = get_page();
	uint32_t me = self();

	if (__atomic_load_n(&p->owner, __ATOMIC_RELAXED) == me)
		return -EDEADLK;
	acquire(p);
	__atomic_store_n(&p->owner, me, __ATOMIC_RELAXED);
	if (!p->generation) {
		p->magic = PAGE_MAGIC;
		p->version = PAGE_VERSION;
		p->generation = new_generation();
	}
	return 0;
}

void rp__unlock(void)
{
	struct lock_page *p = get_page();

	__atomic_store_n(&p->owner, 0, __ATOMIC_RELAXED);
	if (__atomic_exchange_n(&p->state, 0, __ATOMIC_RELEASE) == 2)
		futex(&p->state, FUTEX_WAKE, 1);
}

uint64_t rp__lock_generation(void)
{
	return get_page()->generation;
}

/*
 * fork() waits for a commit under way, so that no child starts with half of
 * one. Several copies of the library each come here; the first one to prepare
 * takes the lock, and it alone releases it.
 */
static bool forking;

static void fork_prepare(void)
{
	if (rp__lock() == 0)
		forking = true;
}

static void fork_parent(void)
{
	if (forking) {
		forking = false;
		rp__unlock();
	}
}

/* The page was wiped, unless this kernel does not know how to. */
static void fork_child(void)
{
	struct lock_page *p = get_page();

	forking = false;
	p->generation = 0;
	p->owner = 0;
	__atomic_store_n(&p->state, 0, __ATOMIC_RELEASE);
}

__attribute__((constructor(101))) static void lock_init(void)
{
	get_page();
	pthread_atfork(fork_prepare, fork_parent, fork_child);
}
