// SPDX-License-Identifier: MIT
/*
 * Thread control block and TLS of a thread that libc does not know.
 *
 *   dtv       where __tls_get_addr() finds the blocks of modules
 *   tsd       musl: values of pthread_setspecific()
 *   blocks    musl: of modules that were loaded later
 *   TLS       blocks at fixed distances below the thread pointer
 *   tp ->     struct pthread
 *
 * Of struct pthread, the first 64 bytes are ABI with both libcs: the canary is at
 * 0x28, where compiled code expects it. The rest is found by name or by value.
 */
#define _GNU_SOURCE
#include "agent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define TCB_SIZE	RP_PAGE		/* struct pthread is about half of it */
#define SPARE_SLOTS	64u		/* modules that are loaded meanwhile */
#define SLOTS_MAX	65536u
#define SURPLUS		RP_PAGE		/* static TLS, likewise */
#define TLS_MAX		(64u << 20)
#define TSD_SIZE	1024u
#define UNALLOCATED	(~(uint64_t)0)	/* TLS_DTV_UNALLOCATED of glibc */

/* glibc's tcbhead_t, and the beginning of musl's struct pthread. */
#define HEAD_SELF	0x00u
#define HEAD_DTV	0x08u
#define GLIBC_SELF	0x10u
#define GLIBC_MULTIPLE	0x18u
#define MUSL_PREV	0x10u
#define MUSL_NEXT	0x18u
#define MUSL_SYSINFO	0x20u
#define HEAD_CANARY	0x28u
#define GLIBC_POINTERS	0x30u
#define BEHIND_HEAD	0x30u

/* musl's fields, as far behind `tid` as since 1.1.22. */
#define MUSL_DETACH	8u
#define MUSL_TSD	80u
#define MUSL_ROBUST	88u
#define MUSL_LOCALE	120u

#define RSEQ_CPU_ID	4u

/* What is being built: @bytes will be at @base. */
struct image {
	struct rp_tcb *tcb;
	const struct rp_target *target;
	uint8_t *bytes;
	uint64_t base;
	uint8_t other[TCB_SIZE];	/* that of another thread */
	size_t nother;
};

static void put(struct image *image, uint64_t address, const void *bytes,
		size_t size)
{
	uint64_t at = address - image->base;

	if (at <= image->tcb->size && size <= image->tcb->size - at)
		memcpy(image->bytes + at, bytes, size);
}

static void put64(struct image *image, uint64_t address, uint64_t value)
{
	put(image, address, &value, sizeof(value));
}

static void put32(struct image *image, uint64_t address, uint32_t value)
{
	put(image, address, &value, sizeof(value));
}

static uint64_t other64(const struct image *image, size_t offset)
{
	uint64_t value = 0;

	if (offset + sizeof(value) <= image->nother)
		memcpy(&value, image->other + offset, sizeof(value));
	return value;
}

static uint32_t other32(const struct image *image, size_t offset)
{
	return (uint32_t)other64(image, offset);
}

/* The same as in another thread. */
static void copy64(struct image *image, size_t offset)
{
	put64(image, image->tcb->tp + offset, other64(image, offset));
}

uint64_t rp_tcb_symbol(struct rp_modules *modules, const char *name)
{
	struct rp_live_symbol symbol;

	// What the dynamic linker brings belongs to libc as well.
	for (size_t i = 0; i < modules->n; i++) {
		struct rp_module *module = &modules->v[i];

		if ((module == modules->libc_module || !module->space) &&
		    !rp_module_export(modules, module, name, "", &symbol))
			return symbol.address;
	}
	if (modules->is_static && modules->libc_module &&
	    !rp_module_local(modules, modules->libc_module, name, &symbol))
		return symbol.address;
	return 0;
}

static uint32_t read32_at(struct rp_modules *modules, const char *name,
			  size_t offset)
{
	uint64_t address = rp_tcb_symbol(modules, name);
	uint32_t value;

	if (!address || rp_target_read(modules->target, address + offset,
				       &value, sizeof(value)))
		return 0;
	return value;
}

/* Measuring. */

static bool is_usable(const struct rp_module *module)
{
	return module->tls_size && module->tls_size <= TLS_MAX &&
	       module->tls_filesz <= module->tls_size &&
	       module->tls_offset <= TLS_MAX;
}

/* musl has the blocks of all modules in all threads, glibc not. */
static uint64_t dynamic_size(const struct rp_tcb *tcb,
			     const struct rp_module *module)
{
	if (tcb->libc != RP_LIBC_MUSL || !is_usable(module) ||
	    module->tls_offset || !module->tls_module)
		return 0;
	return RP_PAGE_UP(module->tls_size);
}

/*
 * Both libcs have the number of slots in the dtv: musl in the first word, glibc
 * in front of it. A dtv of glibc that is too small is given to realloc(), which
 * must not happen to ours.
 */
static int measure_dtv(struct rp_tcb *tcb)
{
	const struct rp_target *target = tcb->modules->target;
	uint64_t dtv = 0;

	if (tcb->other && rp_target_read(target, tcb->other + HEAD_DTV, &dtv,
					 sizeof(dtv)))
		return -EFAULT;
	if (tcb->libc == RP_LIBC_UNKNOWN || !dtv)
		return 0;
	if (rp_target_read(target, dtv, &tcb->generation,
			   sizeof(tcb->generation)))
		return -EFAULT;
	tcb->slots = tcb->generation;
	if (tcb->libc == RP_LIBC_GLIBC &&
	    rp_target_read(target, dtv - 16, &tcb->slots, sizeof(tcb->slots)))
		return -EFAULT;
	for (size_t i = 0; i < tcb->modules->n; i++) {
		if (tcb->modules->v[i].tls_module > tcb->slots)
			tcb->slots = tcb->modules->v[i].tls_module;
	}
	return tcb->slots > SLOTS_MAX ? -EFAULT : 0;
}

static uint64_t dtv_size(const struct rp_tcb *tcb)
{
	return RP_PAGE_UP(16 * (tcb->slots + SPARE_SLOTS + 2) + TSD_SIZE);
}

static bool points_to_itself(const struct rp_tcb *tcb, uint64_t address)
{
	uint64_t value;

	return !rp_target_read(tcb->modules->target, address, &value,
			       sizeof(value)) && value == address;
}

/* A static program does not say what it was linked with. musl has a ring of all
 * threads where glibc has the thread itself, and a flag. */
static enum rp_libc guess_libc(const struct rp_tcb *tcb)
{
	uint64_t head[4];

	if (!tcb->other || rp_target_read(tcb->modules->target, tcb->other,
					  head, sizeof(head)) ||
	    head[0] != tcb->other)
		return RP_LIBC_UNKNOWN;
	if (points_to_itself(tcb, head[2]) && points_to_itself(tcb, head[3]))
		return RP_LIBC_MUSL;
	return head[2] == tcb->other && !(head[3] >> 32) ? RP_LIBC_GLIBC :
	       RP_LIBC_UNKNOWN;
}

int rp_tcb_measure(struct rp_tcb *tcb)
{
	const struct rp_modules *modules = tcb->modules;
	int ret;

	tcb->libc = modules->libc ? modules->libc : guess_libc(tcb);
	ret = measure_dtv(tcb);

	if (ret)
		return ret;
	for (size_t i = 0; i < modules->n; i++) {
		const struct rp_module *m = &modules->v[i];

		tcb->dynamic += dynamic_size(tcb, m);
		if (is_usable(m) && m->tls_offset > tcb->below)
			tcb->below = m->tls_offset;
	}
	tcb->below = RP_PAGE_UP(tcb->below + SURPLUS);
	tcb->size = dtv_size(tcb) + tcb->dynamic + tcb->below + TCB_SIZE;
	return 0;
}

/* Blocks. */

static int put_block(struct image *image, const struct rp_module *module,
		     uint64_t address)
{
	uint64_t at = address - image->base;

	if (at > image->tcb->size || module->tls_size > image->tcb->size - at)
		return -EFAULT;
	return rp_target_read(image->target, module->tls_image,
			      image->bytes + at, module->tls_filesz);
}

static void put_slot(struct image *image, uint64_t dtv, uint64_t module,
		     uint64_t block)
{
	if (!module || module > image->tcb->slots)
		return;
	if (image->tcb->libc == RP_LIBC_MUSL)
		put64(image, dtv + 8 * module, block);
	else
		put64(image, dtv + 16 * module, block);
}

static int put_blocks(struct image *image, uint64_t dtv)
{
	const struct rp_modules *modules = image->tcb->modules;
	uint64_t next = image->base + dtv_size(image->tcb);
	int ret = 0;

	for (size_t i = 0; i < modules->n && !ret; i++) {
		const struct rp_module *m = &modules->v[i];
		uint64_t size = dynamic_size(image->tcb, m);
		uint64_t block = size ? next : image->tcb->tp - m->tls_offset;

		if (!is_usable(m) || (!size && !m->tls_offset))
			continue;
		ret = put_block(image, m, block);
		put_slot(image, dtv, m->tls_module, block);
		next += size;
	}
	return ret;
}

/* Slots of glibc are two words, and those in front are the number of slots and
 * the generation of the list of modules that they were made for. */
static uint64_t put_dtv(struct image *image)
{
	uint64_t dtv = image->base + 16;
	uint64_t slots = image->tcb->slots + SPARE_SLOTS;

	if (image->tcb->libc == RP_LIBC_MUSL) {
		put64(image, dtv, image->tcb->slots);
		return dtv;
	}
	put64(image, dtv - 16, slots);
	put64(image, dtv, image->tcb->generation);
	for (uint64_t i = 1; i <= slots; i++)
		put64(image, dtv + 16 * i, UNALLOCATED);
	return dtv;
}

/* struct pthread. */

/* Where another thread has its own number. */
static size_t find_tid(const struct image *image)
{
	for (size_t i = BEHIND_HEAD; i + 4 <= image->nother; i += 4) {
		if ((pid_t)other32(image, i) == image->tcb->other_tid)
			return i;
	}
	return 0;
}

/* The list of robust mutexes, empty: it points to itself. In front of it is the
 * pointer to its last entry, behind it an offset. */
static void put_robust(struct image *image, size_t tid)
{
	uint64_t tp = image->tcb->tp;

	for (size_t i = (tid + 15) & ~(size_t)7; i < tid + 64; i += 8) {
		if (other64(image, i) != image->tcb->other + i)
			continue;
		put64(image, tp + i - 8, tp + i);
		put64(image, tp + i, tp + i);
		copy64(image, i + 8);
		return;
	}
}

/* This thread is not registered with the kernel for restartable sequences. */
static void put_rseq(struct image *image)
{
	uint64_t symbol = rp_tcb_symbol(image->tcb->modules, "__rseq_offset");
	int64_t offset;

	if (symbol && !rp_target_read(image->target, symbol, &offset,
				      sizeof(offset)) && offset)
		put32(image, image->tcb->tp + offset + RSEQ_CPU_ID, UINT32_MAX);
}

/*
 * The heap that a thread allocates from: a new one would be made for a thread
 * that has none, and stay. The program's first thread has a thread-local pointer
 * to the one that libc begins with; nothing else there points to libc's data
 * without having been initialized so.
 */
static void put_heap(struct image *image)
{
	const struct rp_modules *modules = image->tcb->modules;
	const struct rp_module *libc = modules->libc_module;
	uint64_t found = 0, value = 0;
	size_t n = 0;

	if (!image->tcb->first || !libc || !is_usable(libc) ||
	    !libc->tls_offset)
		return;
	for (uint64_t i = (libc->tls_filesz + 7) & ~(uint64_t)7;
	     i + 8 <= libc->tls_size; i += 8) {
		const struct rp_map *map;
		uint64_t word;

		if (rp_target_read(image->target, image->tcb->first -
				   libc->tls_offset + i, &word, sizeof(word)))
			return;
		map = rp_maps_at(&modules->maps, word);
		if (word < libc->low || word >= libc->high || !map ||
		    !(map->access & PROT_WRITE))
			continue;
		found = image->tcb->tp - libc->tls_offset + i;
		value = word;
		n++;
	}
	if (n == 1)
		put64(image, found, value);
}

static void put_glibc(struct image *image)
{
	uint64_t tp = image->tcb->tp;
	size_t tid = read32_at(image->tcb->modules, "_thread_db_pthread_tid", 8);

	put64(image, tp + GLIBC_SELF, tp);
	put32(image, tp + GLIBC_MULTIPLE, 1);
	copy64(image, GLIBC_POINTERS);
	if (!tid || tid > TCB_SIZE - 128)
		tid = find_tid(image);
	if (tid) {
		image->tcb->tid = tp + tid;
		put_robust(image, tid);
	}
	put_rseq(image);
	put_heap(image);
}

static void put_musl(struct image *image)
{
	uint64_t tp = image->tcb->tp;
	size_t tid = find_tid(image);

	// A list of its own: it is in nobody else's.
	put64(image, tp + MUSL_PREV, tp);
	put64(image, tp + MUSL_NEXT, tp);
	copy64(image, MUSL_SYSINFO);
	if (!tid)
		return;
	image->tcb->tid = tp + tid;
	put32(image, tp + tid + MUSL_DETACH, other32(image, tid + MUSL_DETACH));
	put64(image, tp + tid + MUSL_TSD,
	      image->base + dtv_size(image->tcb) - TSD_SIZE);
	put64(image, tp + tid + MUSL_ROBUST, tp + tid + MUSL_ROBUST);
	copy64(image, tid + MUSL_LOCALE);
}

static int fill(struct image *image)
{
	const struct rp_tcb *tcb = image->tcb;
	uint64_t dtv = put_dtv(image);
	int ret = put_blocks(image, dtv);

	if (ret)
		return ret;
	put64(image, tcb->tp + HEAD_SELF, tcb->tp);
	put64(image, tcb->tp + HEAD_DTV, dtv);
	copy64(image, HEAD_CANARY);
	if (tcb->libc == RP_LIBC_GLIBC)
		put_glibc(image);
	else if (tcb->libc == RP_LIBC_MUSL)
		put_musl(image);
	return 0;
}

int rp_tcb_write(struct rp_tcb *tcb, uint64_t base)
{
	struct image image = {
		.tcb = tcb, .target = tcb->modules->target, .base = base,
	};
	int ret;

	image.bytes = calloc(1, tcb->size);
	if (!image.bytes)
		return -ENOMEM;
	tcb->tp = base + tcb->size - TCB_SIZE;
	// For a thread that no libc tells of, anywhere that nobody looks at.
	tcb->tid = base + tcb->size - 8;
	if (tcb->other)
		image.nother = rp_target_read_some(image.target, tcb->other,
						   image.other, TCB_SIZE);
	ret = fill(&image);
	if (!ret)
		ret = rp_target_write(image.target, base, image.bytes,
				      tcb->size);
	free(image.bytes);
	return ret;
}
