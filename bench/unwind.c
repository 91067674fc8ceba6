// SPDX-License-Identifier: MIT
/*
 * What a frame costs when a stack is walked: by table, and by those who read
 * .eh_frame. Once the own stack, as profilers and exceptions do; once that of
 * another process that stands still, as debuggers and live patchers do. All
 * walk the same frames, and have to find the same number of them.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elfutils/libdwfl.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
#include <unwind.h>

#include <repoint/unwind.h>

#include "../tests/unwind/subject.h"
#include "bench.h"
#include "report.h"

#define DEPTH		60
#define WAYS_MAX	4

static struct rp_unwind_module modules[16];
static struct rp_unwind_space space = { sizeof(space), modules, 0, 16 };

/* struct way - @walk returns how many frames there were. */
struct way {
	const char *name;
	size_t (*walk)(void);
};

/* ---- tables ---- */

/* The tool makes them, into a directory that is gone when they are open. */
struct tables {
	char directory[64];
	const char *repoint;
};

static int make_table(struct dl_phdr_info *info, size_t size, void *data)
{
	static int nr;
	struct tables *tables = data;
	const char *name = *info->dlpi_name ? info->dlpi_name
					    : "/proc/self/exe";
	char *command, *path = realpath(name, NULL);

	(void)size;
	/* The vDSO is no file. */
	if (!path)
		return 0;
	if (asprintf(&command, "id=$(readelf -n '%s' | sed -n "
		     "'s/.*Build ID: //p') && '%s' object orc --from-eh-frame "
		     "-o '%s/'$id.orc '%s'", path, tables->repoint,
		     tables->directory, path) < 0)
		bench_die("no memory");
	if (system(command))
		bench_die("no table of %s", path);
	free(command);
	free(path);
	nr++;
	return 0;
}

static void open_tables(const struct bench_options *options)
{
	struct tables tables = { "/tmp/repoint-bench.XXXXXX",
				 options->repoint };
	char command[128];

	if (!mkdtemp(tables.directory))
		bench_die("no directory for tables");
	dl_iterate_phdr(make_table, &tables);
	if (rp_unwind_space_add_self(&space, tables.directory, NULL) < 2)
		bench_die("no tables of this process");
	snprintf(command, sizeof(command), "rm -r '%s'", tables.directory);
	if (system(command))
		bench_die("%s cannot be removed", tables.directory);
}

/* ---- the own stack ---- */

static struct rp_unwind_memory stack = { .sz = sizeof(stack) };

static void find_stack(void)
{
	pthread_attr_t attr;
	void *start;
	size_t size;

	if (pthread_getattr_np(pthread_self(), &attr) ||
	    pthread_attr_getstack(&attr, &start, &size))
		bench_die("where is the stack?");
	pthread_attr_destroy(&attr);
	stack.bytes = start;
	stack.start = (uintptr_t)start;
	stack.end = stack.start + size;
}

static size_t count(struct rp_unwind_frame *frame,
		    const struct rp_unwind_memory *memory)
{
	size_t nr = 1;
	int rc;

	while ((rc = rp_unwind_step(&space, memory, frame)) == 1)
		nr++;
	if (rc < 0)
		bench_die("a walk ended with %d", rc);
	return nr;
}

static size_t own_by_table(void)
{
	struct rp_unwind_frame frame;

	rp_unwind_here(&frame);
	return count(&frame, &stack);
}

static _Unwind_Reason_Code on_libgcc(struct _Unwind_Context *context,
				     void *data)
{
	(void)_Unwind_GetIP(context);
	++*(size_t *)data;
	return _URC_NO_REASON;
}

static size_t own_by_libgcc(void)
{
	size_t nr = 0;

	_Unwind_Backtrace(on_libgcc, &nr);
	return nr;
}

/* By what libunwind's header makes of unw_getcontext() and so on. */
static struct {
	int (*getcontext)(void *context);
	int (*init_local)(void *cursor, void *context);
	int (*step)(void *cursor);
	int (*get_reg)(void *cursor, int reg, uintptr_t *value);
} libunwind;

#define UNW_REG_IP	16

static bool have_libunwind(void)
{
	void *handle = dlopen("libunwind.so.8", RTLD_NOW);

	if (!handle)
		return false;
#define FIND(member, name)						\
	(*(void **)&libunwind.member = dlsym(handle, name))
	return FIND(getcontext, "_Ux86_64_getcontext") &&
	       FIND(init_local, "_ULx86_64_init_local") &&
	       FIND(step, "_ULx86_64_step") &&
	       FIND(get_reg, "_ULx86_64_get_reg");
}

static size_t own_by_libunwind(void)
{
	/* unw_context_t is a ucontext_t, unw_cursor_t 127 words. */
	uint64_t context[256], cursor[256];
	uintptr_t ip;
	size_t nr = 1;

	if (libunwind.getcontext(context) ||
	    libunwind.init_local(cursor, context))
		bench_die("libunwind");
	while (libunwind.step(cursor) > 0) {
		libunwind.get_reg(cursor, UNW_REG_IP, &ip);
		nr++;
	}
	return nr;
}

/* ---- another process ---- */

static struct {
	pid_t pid;
	Dwfl *dwfl;
	struct rp_unwind_frame frame;
} other;

static void stand_still(void *data)
{
	(void)data;
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	_exit(0);
}

static void start_other(void)
{
	static char nowhere[] = "", *debuginfo = nowhere;
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_linux_proc_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.debuginfo_path = &debuginfo,
	};
	struct user_regs_struct regs;

	other.pid = fork();
	if (!other.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		subject_mixed(DEPTH, stand_still, NULL);
	}
	if (other.pid < 0 || waitpid(other.pid, NULL, 0) != other.pid ||
	    ptrace(PTRACE_GETREGS, other.pid, NULL, &regs))
		bench_die("no other process");
	rp_unwind_from_user_regs(&other.frame, &regs);
	other.dwfl = dwfl_begin(&callbacks);
	if (dwfl_linux_proc_report(other.dwfl, other.pid) ||
	    dwfl_report_end(other.dwfl, NULL, NULL) ||
	    dwfl_linux_proc_attach(other.dwfl, other.pid, true))
		bench_die("libdw: %s", dwfl_errmsg(-1));
}

static void stop_other(void)
{
	dwfl_end(other.dwfl);
	kill(other.pid, SIGKILL);
	waitpid(other.pid, NULL, 0);
}

static int on_libdw(Dwfl_Frame *frame, void *data)
{
	Dwarf_Addr pc;

	dwfl_frame_pc(frame, &pc, NULL);
	++*(size_t *)data;
	return DWARF_CB_OK;
}

static size_t other_by_libdw(void)
{
	size_t nr = 0;

	dwfl_getthread_frames(other.dwfl, other.pid, on_libdw, &nr);
	return nr;
}

static size_t other_by_pages(void)
{
	struct rp_unwind_process process = { .pid = other.pid };
	struct rp_unwind_memory memory = { sizeof(memory), 0, 0, NULL,
					   rp_unwind_read_process, &process };
	struct rp_unwind_frame frame = other.frame;

	return count(&frame, &memory);
}

/* All of a stack at once: where it begins is known, its end from the maps. */
static size_t other_by_copy(void)
{
	static uint8_t bytes[1 << 20];
	struct rp_unwind_frame frame = other.frame;
	uint64_t sp = frame.reg[RP_UNWIND_SP];
	struct iovec to = { bytes, stack.end - sp };
	struct iovec from = { (void *)(uintptr_t)sp, stack.end - sp };
	struct rp_unwind_memory memory = { sizeof(memory), sp, stack.end, bytes,
					   NULL, NULL };

	if (to.iov_len > sizeof(bytes))
		bench_die("a stack of %zu bytes", to.iov_len);
	if (process_vm_readv(other.pid, &to, 1, &from, 1, 0) !=
	    (ssize_t)to.iov_len)
		bench_die("a stack cannot be read");
	return count(&frame, &memory);
}

/* ---- measuring ---- */

/* struct contest - @walks: in a sample. */
struct contest {
	struct report *report;
	const char *group;
	const struct way *ways;
	unsigned int nr, rounds, walks;
};

static double time_one(const struct way *way, unsigned int walks, size_t *nr)
{
	uint64_t start = bench_ns();

	for (unsigned int i = 0; i < walks; i++)
		*nr = way->walk();
	return (double)(bench_ns() - start) / ((double)walks * (double)*nr);
}

/*
 * Where a walk starts is up to a frame or two, and whether the end of the stack
 * is one; but a walk that ended early is no walk.
 */
static void check_frames(const struct contest *contest, const size_t *nr)
{
	for (unsigned int w = 0; w < contest->nr; w++)
		if (nr[w] < 2 * DEPTH || nr[w] + 4 < nr[0] || nr[w] > nr[0] + 4)
			bench_die("%s: %zu frames, others have %zu",
				  contest->ways[w].name, nr[w], nr[0]);
}

static void run(void *data)
{
	const struct contest *contest = data;
	struct samples ns[WAYS_MAX] = { { NULL, 0, 0 } };
	struct samples ratio[WAYS_MAX] = { { NULL, 0, 0 } };
	size_t nr[WAYS_MAX];
	double took[WAYS_MAX];

	for (unsigned int r = 0; r < contest->rounds + 1; r++) {
		for (unsigned int i = 0; i < contest->nr; i++) {
			unsigned int w = (i + r) % contest->nr;

			took[w] = time_one(&contest->ways[w], contest->walks,
					   &nr[w]);
		}
		check_frames(contest, nr);
		/* The first round fills everybody's caches. */
		for (unsigned int w = 0; r && w < contest->nr; w++) {
			samples_add(&ns[w], took[w]);
			samples_add(&ratio[w], took[w] / took[0]);
		}
	}
	for (unsigned int w = 0; w < contest->nr; w++) {
		struct row row = { .section = "unwind", .unit = "ns/frame",
				   .value = samples_stats(&ns[w]),
				   .ratio = samples_stats(&ratio[w]) };

		snprintf(row.group, sizeof(row.group), "%s", contest->group);
		snprintf(row.name, sizeof(row.name), "%s",
			 contest->ways[w].name);
		report_row(contest->report, &row);
		samples_deinit(&ns[w]);
		samples_deinit(&ratio[w]);
	}
}

void bench_unwind(struct report *report, const struct bench_options *options)
{
	static const struct way own[] = {
		{ "libgcc, _Unwind_Backtrace()", own_by_libgcc },
		{ "rp_unwind_step()", own_by_table },
		{ "libunwind", own_by_libunwind },
	};
	static const struct way others[] = {
		{ "libdw, dwfl_getthread_frames()", other_by_libdw },
		{ "rp_unwind_step(), page by page", other_by_pages },
		{ "rp_unwind_step(), stack copied", other_by_copy },
	};
	struct contest contest = {
		.report = report, .group = "own stack, 120 frames and more",
		.ways = own, .nr = have_libunwind() ? 3 : 2,
		.rounds = options->quick ? 2 : 200,
		.walks = options->quick ? 2 : 20,
	};

	bench_pin(0);
	open_tables(options);
	find_stack();
	subject_mixed(DEPTH, run, &contest);
	start_other();
	contest.group = "another process, the same frames";
	contest.ways = others;
	contest.nr = 3;
	contest.walks = options->quick ? 1 : 5;
	run(&contest);
	stop_other();
	rp_unwind_space_close(&space);
	bench_unpin();
}
