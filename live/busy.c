/* SPDX-License-Identifier: MIT */
/* Is code in use? The threads, one by one, and what to say about it. */
#define _GNU_SOURCE
#include "busy_internal.h"

#include "../object/grow.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define RED_ZONE	128	/* below the stack pointer, in use */
#define NATIVE_END_MAX	32768	/* from the outermost frame to the end */
#define STACK_MIN	1024	/* a coroutine's stack is not smaller */

/* Codes. */

static const struct rp_code *code_at(const struct rp_search *search,
				     uint64_t address)
{
	size_t low = 0, high = search->ncodes;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (search->codes[middle]->start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	const struct rp_code *code = search->codes[low - 1];
	return address - code->start < code->size ? code : NULL;
}

const struct rp_code *rp_search_code(const struct rp_search *search, uint64_t pc,
				     bool exact)
{
	const struct rp_code *code = code_at(search, exact ? pc : pc - 1);

	return code && exact && code->entry && pc == code->start ? NULL : code;
}

const struct rp_code *rp_search_word(const struct rp_search *search,
				     uint64_t word)
{
	const struct rp_code *code = code_at(search, word - 1);

	return code && rp_unwind_is_call_before(search->unwinder, word) ?
		       code : NULL;
}

int rp_search_maps(struct rp_search *search)
{
	int rc = search->has_maps ? 0 : rp_maps_read(&search->maps,
						     search->threads->target);

	search->has_maps = search->has_maps || !rc;
	return rc;
}

static int add_range(struct rp_ranges *ranges, uint64_t start, uint64_t end)
{
	if (ranges->n && ranges->v[ranges->n - 1].end == start) {
		ranges->v[ranges->n - 1].end = end;
		return 0;
	}
	if (rp_grow(&ranges->v, &ranges->room, ranges->n + 1,
		    sizeof(*ranges->v)))
		return -ENOMEM;
	ranges->v[ranges->n++] = (struct rp_range){ start, end };
	return 0;
}

static int by_address(const void *a, const void *b)
{
	const struct rp_code *const *x = a, *const *y = b;

	return (*x)->start < (*y)->start ? -1 : (*x)->start > (*y)->start;
}

static int search_codes(struct rp_search *search, const struct rp_code *codes,
			size_t n)
{
	search->codes = calloc(n + 1, sizeof(*search->codes));
	if (!search->codes)
		return -ENOMEM;
	search->low = UINT64_MAX;
	for (size_t i = 0; i < n; i++) {
		uint64_t end = codes[i].start + codes[i].size;

		if (codes[i].allowed)
			continue;
		search->codes[search->ncodes++] = &codes[i];
		if (codes[i].start < search->low)
			search->low = codes[i].start;
		if (end > search->high)
			search->high = end;
	}
	qsort(search->codes, search->ncodes, sizeof(*search->codes), by_address);
	return 0;
}

/* Threads. */

/** struct visit - a thread that is being walked. */
struct visit {
	struct rp_search *search;
	struct rp_busy busy;
	size_t frames;
	int rc;
};

/* Words between the frames of a stack that runs are left out when all memory is
 * looked at, unless there is room for a stack inside of a frame. */
static int pass_frame(struct rp_search *search, const struct rp_frame *frame)
{
	if (!search->scans || frame->cfa <= frame->sp ||
	    frame->cfa - frame->sp >= STACK_MIN)
		return 0;
	return add_range(&search->passed, frame->sp, frame->cfa);
}

static int visit_frame(void *context, const struct rp_frame *frame)
{
	struct visit *visit = context;
	struct rp_busy *busy = &visit->busy;
	const struct rp_code *code = rp_search_code(visit->search, frame->pc,
						    frame->exact);

	if (busy->nframes < RP_BUSY_FRAMES)
		busy->frames[busy->nframes++] = *frame;
	else
		busy->more = true;
	if (code && !busy->code) {
		busy->code = code;
		busy->how = RP_BUSY_FRAME;
		busy->busy_frame = visit->frames;
	}
	if (code)
		busy->outermost = *frame;
	visit->frames++;
	visit->rc = pass_frame(visit->search, frame);
	return visit->rc;
}

static const struct rp_code *register_code(const struct rp_search *search,
					   const struct user_regs_struct *regs)
{
	const uint64_t v[] = {
		regs->rax, regs->rbx, regs->rcx, regs->rdx, regs->rsi,
		regs->rdi, regs->rbp, regs->r8, regs->r9, regs->r10, regs->r11,
		regs->r12, regs->r13, regs->r14, regs->r15,
	};
	const struct rp_code *code = NULL;

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]) && !code; i++)
		code = rp_search_word(search, v[i]);
	return code;
}

/* B2. @last is the frame that could not be unwound. */
static int look_behind(struct visit *visit, const struct rp_thread *thread,
		       const struct rp_frame *last)
{
	struct rp_scan scan;
	int rc = rp_scan_stack(visit->search, last->sp, &scan);
	struct rp_busy *busy = &visit->busy;

	if (rc)
		return rc;
	/* A return address that does not follow a call any more still is one. */
	if (!scan.code && last->return_to) {
		scan.code = rp_search_code(visit->search, last->return_to, false);
		scan.at = last->cfa - 8;
	}
	if (!scan.code)
		scan.code = register_code(visit->search, &thread->regs);
	if (!scan.code && !scan.unknown)
		return 0;
	if (busy->code) {	/* and it is not known which frame is the last */
		busy->outermost.return_slot = 0;
		return 0;
	}
	busy->code = scan.code;
	busy->how = scan.code ? RP_BUSY_WORD : RP_BUSY_UNKNOWN;
	busy->at = scan.at;
	return 0;
}

/* Is this mapping the thread's own stack, with nothing else below it? glibc and
 * musl put the thread's control block at its end, and a guard page before it. */
static bool is_own_stack(const struct rp_search *search,
			 const struct rp_thread *thread,
			 const struct rp_map *map, const struct rp_frame *last)
{
	uint64_t base = thread->regs.fs_base;

	if (strcmp(map->name, "[stack]") == 0)
		base = search->unwinder->start_stack + 64;
	else if (map == search->maps.v || map[-1].end != map->start ||
		 map[-1].access)
		return false;
	return last->sp >= map->start && last->sp < base && base <= map->end &&
	       base - last->sp < NATIVE_END_MAX;
}

/* What is below the stack pointer will be written before it is read. */
static int pass_below(struct rp_search *search, const struct rp_thread *thread,
		      const struct rp_frame *last)
{
	uint64_t sp = thread->regs.rsp;
	int rc = search->scans ? rp_search_maps(search) : 0;

	if (rc || !search->scans)
		return rc;
	const struct rp_map *map = rp_maps_at(&search->maps, sp);
	if (!map || sp - map->start <= RED_ZONE ||
	    !is_own_stack(search, thread, map, last))
		return 0;
	return add_range(&search->passed, map->start, sp - RED_ZONE);
}

static int visit_thread(struct rp_search *search, struct rp_thread *thread)
{
	struct visit visit = { .search = search };
	struct rp_busy_list *list = search->list;
	struct rp_frame last;
	enum rp_walk end = rp_unwind(search->unwinder, &thread->regs,
				     visit_frame, &visit, &last);

	if (!visit.rc)
		visit.rc = pass_below(search, thread, &last);
	if (!visit.rc && end == RP_WALK_LOST)
		visit.rc = look_behind(&visit, thread, &last);
	if (visit.rc)
		return visit.rc;
	if (!visit.busy.code && visit.busy.how != RP_BUSY_UNKNOWN)
		return 0;
	if (rp_grow(&list->v, &list->capacity, list->n + 1, sizeof(*list->v)))
		return -ENOMEM;
	visit.busy.thread = thread;
	list->v[list->n++] = visit.busy;
	return 0;
}

static int visit_threads(struct rp_search *search)
{
	struct rp_threads *threads = search->threads;
	int rc = 0;

	for (size_t i = 0; i < threads->n && !rc; i++) {
		struct rp_thread *thread = threads->v[i];

		if (!thread->ours && thread->state == RP_THREAD_STOPPED)
			rc = visit_thread(search, thread);
	}
	return rc;
}

/* `mov $15, %rax; syscall`, as glibc and musl have it, each once. */
static void find_restorer(struct rp_unwinder *unwinder,
			  const struct rp_module *module, uint64_t *ret)
{
	static const uint8_t code[] = {
		0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05
	};

	for (size_t i = 0; i < module->nphdrs && !*ret; i++) {
		const Elf64_Phdr *phdr = &module->phdrs[i];
		uint64_t start = phdr->p_vaddr + module->bias;

		if (phdr->p_type != PT_LOAD || !(phdr->p_flags & PF_X) ||
		    phdr->p_memsz > 64u << 20)
			continue;
		uint8_t *bytes = malloc(phdr->p_memsz);
		size_t n = bytes ? rp_target_read_some(unwinder->target, start,
						       bytes, phdr->p_memsz) : 0;
		const uint8_t *at = n ? memmem(bytes, n, code, sizeof(code)) :
					NULL;
		if (at)
			*ret = start + (uint64_t)(at - bytes);
		free(bytes);
	}
}

const char *rp_busy_known_contexts(struct rp_unwinder *unwinder)
{
	if (!unwinder->contexts_known) {
		unwinder->contexts = rp_busy_contexts(unwinder->modules);
		unwinder->contexts_known = true;
	}
	return unwinder->contexts;
}

void rp_busy_prepare(struct rp_unwinder *unwinder, enum rp_contexts contexts)
{
	const struct rp_modules *modules = unwinder->modules;
	uint64_t *restorers = unwinder->restorers;

	if (contexts == RP_CONTEXTS_AUTO)
		rp_busy_known_contexts(unwinder);
	if (contexts == RP_CONTEXTS_IGNORE || unwinder->restorers_known ||
	    (contexts == RP_CONTEXTS_AUTO && !unwinder->contexts))
		return;
	unwinder->restorers_known = true;
	if (modules->libc_module)
		find_restorer(unwinder, modules->libc_module, &restorers[0]);
	for (size_t i = 0; i < modules->n; i++) {
		if (modules->v[i].program &&
		    &modules->v[i] != modules->libc_module)
			find_restorer(unwinder, &modules->v[i], &restorers[1]);
	}
}

int rp_busy_find(struct rp_unwinder *unwinder, struct rp_threads *threads,
		 const struct rp_code *codes, size_t ncodes,
		 enum rp_contexts contexts, struct rp_busy_list *list)
{
	struct rp_search search = {
		.unwinder = unwinder, .threads = threads, .list = list,
	};
	int rc = search_codes(&search, codes, ncodes);

	list->n = 0;
	rp_busy_prepare(unwinder, contexts);
	search.scans = contexts == RP_CONTEXTS_SCAN ||
		       (contexts == RP_CONTEXTS_AUTO && unwinder->contexts);
	if (!rc && search.ncodes)
		rc = visit_threads(&search);
	if (!rc && search.ncodes && search.scans)
		rc = rp_scan_memory(&search);
	if (search.has_maps)
		rp_maps_free(&search.maps);
	free(search.passed.v);
	free(search.codes);
	return rc;
}

void rp_busy_free(struct rp_busy_list *list)
{
	free(list->v);
	*list = (struct rp_busy_list){ 0 };
}

/* Sentences. */

/** struct text - what is written; cut where there is no more room. */
struct text {
	char *at;
	size_t room;
};

__attribute__((format(printf, 2, 3)))
static void say(struct text *text, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	int n = vsnprintf(text->at, text->room, fmt, args);
	va_end(args);
	size_t used = n < 0 ? 0 : (size_t)n;
	if (used >= text->room)
		used = text->room ? text->room - 1 : 0;
	text->at += used;
	text->room -= used;
}

static void say_frame(struct text *text, struct rp_unwinder *unwinder,
		      const char *before, const struct rp_frame *frame)
{
	char name[200];

	rp_unwind_name(unwinder, frame->pc, frame->exact, name, sizeof(name));
	say(text, "%s%s", before, name);
}

static void say_thread(struct text *text, struct rp_unwinder *unwinder,
		       const struct rp_thread *thread)
{
	char name[64];

	snprintf(name, sizeof(name), "task/%d/comm", (int)thread->tid);
	char *comm = rp_target_file(unwinder->target, name, NULL);
	for (char *c = comm; c && *c; c++) {
		if (*c == '\n')
			*c = 0;
		else if (*c < 0x20 || *c > 0x7e)
			*c = '?';
	}
	say(text, "thread %d (%s)", (int)thread->tid, comm ? comm : "?");
	free(comm);
}

static void explain_frame(struct text *text, struct rp_unwinder *unwinder,
			  const struct rp_busy *busy)
{
	size_t at = busy->busy_frame;

	say(text, " is in %s", busy->code->name);
	if (at + 1 < busy->nframes)
		say_frame(text, unwinder, ", called from ",
			  &busy->frames[at + 1]);
	if (at > 0 && busy->nframes)
		say_frame(text, unwinder, ", now at ", &busy->frames[0]);
	if (at > 1 && busy->nframes > 1)
		say_frame(text, unwinder, " called from ", &busy->frames[1]);
	if (at >= busy->nframes)
		say(text, " (%zu frames deep)", at + 1);
}

static void explain_word(struct text *text, struct rp_unwinder *unwinder,
			 const struct rp_busy *busy)
{
	const struct rp_frame *last = &busy->frames[busy->nframes - 1];

	say(text, " may be in %s: its stack could not be followed", 
	    busy->code->name);
	if (!busy->more)
		say_frame(text, unwinder, " beyond ", last);
	if (busy->at)
		say(text, ", and holds a return address into it at 0x%" PRIx64,
		    busy->at);
	else
		say(text, ", and a register holds a return address into it");
}

static void explain_unknown(struct text *text, struct rp_unwinder *unwinder,
			    const struct rp_busy *busy)
{
	say(text, " may be in any function: its stack could not be followed");
	if (busy->nframes && !busy->more)
		say_frame(text, unwinder, " beyond ",
			  &busy->frames[busy->nframes - 1]);
	say(text, ", and where it ends is not known");
}

/* What lies at an address: the mapping's name. */
static void say_place(struct text *text, const struct rp_unwinder *unwinder,
		      uint64_t address)
{
	const struct rp_map *map = rp_maps_at(&unwinder->modules->maps, address);

	say(text, "0x%" PRIx64, address);
	if (map && *map->name)
		say(text, " (%.100s)", map->name);
}

static void explain_context(struct text *text, struct rp_unwinder *unwinder,
			    const struct rp_busy *busy)
{
	say(text, "a context that is not running may be in %s: memory at ",
	    busy->code->name);
	say_place(text, unwinder, busy->at);
	say(text, " holds a return address into it");
	if (unwinder->contexts)
		say(text, ", and the program switches stacks (%s)",
		    unwinder->contexts);
}

static void say_remedy(struct text *text, const struct rp_busy *busy)
{
	if (busy->how == RP_BUSY_FRAME)
		say(text, "; try a longer --timeout, or, if it never returns, "
		    "--allow-active %s: calls under way then finish in the old "
		    "code while new ones take the new, so both must agree on "
		    "all data", busy->code->name);
	else if (busy->how == RP_BUSY_CONTEXT)
		say(text, "; try a longer --timeout; the word may also be a "
		    "remainder of a call that is over: --allow-active %s takes "
		    "the risk that it is not", busy->code->name);
	else if (busy->how == RP_BUSY_WORD)
		say(text, "; try a longer --timeout; --allow-active %s takes the "
		    "risk that old and new code run side by side",
		    busy->code->name);
	else
		say(text, "; try a longer --timeout: it may go on to a place "
		    "whose stack can be followed");
}

void rp_busy_explain(struct rp_unwinder *unwinder, const struct rp_busy *busy,
		     char *ret, size_t size)
{
	struct text text = { .at = ret, .room = size };

	if (busy->thread)
		say_thread(&text, unwinder, busy->thread);
	switch (busy->how) {
	case RP_BUSY_FRAME:
		explain_frame(&text, unwinder, busy);
		break;
	case RP_BUSY_WORD:
		explain_word(&text, unwinder, busy);
		break;
	case RP_BUSY_UNKNOWN:
		explain_unknown(&text, unwinder, busy);
		break;
	case RP_BUSY_CONTEXT:
		explain_context(&text, unwinder, busy);
		break;
	}
	say_remedy(&text, busy);
}
