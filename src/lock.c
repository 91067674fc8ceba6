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
#include <fcntl.h>
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
 * @owner:      futex: 0, or the thread that holds it, and AWAITED. One word, so
 *              that a signal handler finds the lock free or its own thread in
 *              it, whichever instruction it interrupted
 * @generation: never twice the same, 0 when the page is new or was wiped
 */
struct lock_page {
	uint32_t magic;
	uint32_t version;
	uint32_t owner;
	uint32_t reserved;
	uint64_t generation;
};

/* Somebody waits for the owner. */
#define AWAITED			0x80000000u

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

/* By a system call that faults for us; for those whose filter denies the other. */
static ssize_t read_by_pipe(const void *from, void *to, size_t size)
{
	ssize_t nr = -1;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	if (write(fds[1], from, size) == (ssize_t)size)
		nr = read(fds[0], to, size);
	close(fds[0]);
	close(fds[1]);
	return nr;
}

/* Without faulting: a foreign mapping need not be readable. */
static bool is_ours(const struct lock_page *candidate)
{
	struct lock_page copy;
	struct iovec local = { &copy, sizeof(copy) };
	struct iovec remote = { (void *)candidate, sizeof(copy) };
	ssize_t nr = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);

	if (nr < 0 && errno != EFAULT)
		nr = read_by_pipe(candidate, &copy, sizeof(copy));
	return nr == (ssize_t)sizeof(copy) && copy.magic == PAGE_MAGIC &&
	       copy.version == PAGE_VERSION;
}

static struct lock_page *map_candidate(uintptr_t address, size_t size)
{
	struct lock_page *candidate = (struct lock_page *)address;
	/* Not mmap(): ThreadSanitizer's takes the address away, not the flag. */
	void *found = (void *)syscall(
		SYS_mmap, candidate, size, (long)(PROT_READ | PROT_WRITE),
		(long)(MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE),
		-1L, 0L);

	/* Another copy may have mapped it since all were searched. */
	if (found == MAP_FAILED)
		return is_ours(candidate) ? candidate : NULL;
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

static uintptr_t candidate_address(int i)
{
	return PAGE_ADDRESS + (uintptr_t)i * PAGE_STEP;
}

/*
 * Another copy's page first, wherever it is: what kept that copy from an
 * earlier address may be gone.
 */
static struct lock_page *find_page(void)
{
	struct lock_page *found = NULL;

	for (int i = 0; i < PAGE_CANDIDATES; i++) {
		found = (struct lock_page *)candidate_address(i);
		if (is_ours(found))
			return found;
	}
	found = NULL;
	for (int i = 0; i < PAGE_CANDIDATES && !found; i++)
		found = map_candidate(candidate_address(i),
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

static bool exchange(uint32_t *word, uint32_t from, uint32_t to)
{
	return __atomic_compare_exchange_n(word, &from, to, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* Who has waited once takes it as awaited: others may wait as well. */
static void acquire(struct lock_page *p, uint32_t me)
{
	uint32_t seen;

	if (exchange(&p->owner, 0, me))
		return;
	while (!exchange(&p->owner, 0, me | AWAITED)) {
		seen = __atomic_load_n(&p->owner, __ATOMIC_RELAXED);
		if (seen && (seen & AWAITED ||
			     exchange(&p->owner, seen, seen | AWAITED)))
			futex(&p->owner, FUTEX_WAIT, seen | AWAITED);
	}
}

int rp__lock(void)
{
	struct lock_page *p = get_page();
	uint32_t me = self();

	if ((__atomic_load_n(&p->owner, __ATOMIC_RELAXED) & ~AWAITED) == me)
		return -EDEADLK;
	acquire(p, me);
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

	if (__atomic_exchange_n(&p->owner, 0, __ATOMIC_RELEASE) & AWAITED)
		futex(&p->owner, FUTEX_WAKE, 1);
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

/*
 * The page was wiped, unless this kernel does not know how to. A copy that is
 * loaded from now on has to recognise it.
 */
static void fork_child(void)
{
	struct lock_page *p = get_page();

	forking = false;
	p->magic = PAGE_MAGIC;
	p->version = PAGE_VERSION;
	p->generation = 0;
	__atomic_store_n(&p->owner, 0, __ATOMIC_RELEASE);
}

__attribute__((constructor(101))) static void lock_init(void)
{
	get_page();
	pthread_atfork(fork_prepare, fork_parent, fork_child);
}
