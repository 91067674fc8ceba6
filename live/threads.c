// SPDX-License-Identifier: MIT
/* The list of a process's threads, and how they come to be traced. */
#define _GNU_SOURCE
#include "threads_impl.h"

#include <ctype.h>
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <unistd.h>

/* include/linux/sched.h: PF_IO_WORKER, PF_USER_WORKER */
#define WORKER_FLAGS	(0x10ul | 0x4000ul)

/* A table with open addressing, never more than half full. */
struct rp_thread_index {
	size_t mask;
	size_t used;
	struct rp_thread *slots[];
};

static size_t slot_of(const struct rp_thread_index *index, pid_t tid)
{
	size_t i = (uint32_t)tid * 2654435761u & index->mask;

	while (index->slots[i] && index->slots[i]->tid != tid)
		i = (i + 1) & index->mask;
	return i;
}

static struct rp_thread_index *index_create(size_t capacity)
{
	struct rp_thread_index *index;

	index = calloc(1, sizeof(*index) + capacity * sizeof(index->slots[0]));
	if (index)
		index->mask = capacity - 1;
	return index;
}

static void index_put(struct rp_thread_index *index, struct rp_thread *thread)
{
	size_t i = slot_of(index, thread->tid);

	index->used += !index->slots[i];
	index->slots[i] = thread;
}

static bool index_grow(struct rp_threads *threads)
{
	const struct rp_thread_index *old = threads->index;
	struct rp_thread_index *index;

	if (old && 2 * (old->used + 1) <= old->mask)
		return true;
	index = index_create(old ? 2 * (old->mask + 1) : 64);
	if (!index)
		return false;
	for (size_t i = 0; old && i <= old->mask; i++) {
		if (old->slots[i])
			index_put(index, old->slots[i]);
	}
	free(threads->index);
	threads->index = index;
	return true;
}

static bool array_grow(struct rp_threads *threads)
{
	size_t capacity = threads->capacity ? 2 * threads->capacity : 64;
	struct rp_thread **v;

	if (threads->n < threads->capacity)
		return true;
	v = realloc(threads->v, capacity * sizeof(struct rp_thread *));
	if (!v)
		return false;
	threads->v = v;
	threads->capacity = capacity;
	return true;
}

struct rp_thread *rp_threads_find(const struct rp_threads *threads, pid_t tid)
{
	const struct rp_thread_index *index = threads->index;

	return index ? index->slots[slot_of(index, tid)] : NULL;
}

struct rp_thread *rp_threads_add(struct rp_threads *threads, pid_t tid)
{
	struct rp_thread *thread = rp_threads_find(threads, tid);

	/* The number of one that is gone may be in use again. */
	if (thread && thread->state != RP_THREAD_GONE)
		return thread;
	thread = calloc(1, sizeof(*thread));
	if (!thread || !index_grow(threads) || !array_grow(threads)) {
		free(thread);
		threads->nomem = true;
		return NULL;
	}
	thread->tid = tid;
	thread->state = RP_THREAD_RUNNING;
	thread->interrupted = true;
	index_put(threads->index, thread);
	threads->v[threads->n++] = thread;
	return thread;
}

size_t rp_threads_count(const struct rp_threads *threads)
{
	size_t n = 0;

	for (size_t i = 0; i < threads->n; i++) {
		const struct rp_thread *t = threads->v[i];

		n += t->state != RP_THREAD_GONE && !t->ours && !t->other;
	}
	return n;
}

/* The index keeps them: none of their slots is freed by this. */
void rp_threads_retire(struct rp_threads *threads)
{
	size_t kept = 0;

	for (size_t i = 0; i < threads->n; i++) {
		struct rp_thread *t = threads->v[i];

		if (t->state != RP_THREAD_GONE) {
			threads->v[kept++] = t;
			continue;
		}
		t->next_retired = threads->retired;
		threads->retired = t;
	}
	threads->n = kept;
}

void rp_threads_free(struct rp_threads *threads)
{
	struct rp_thread *next;

	for (struct rp_thread *t = threads->retired; t; t = next) {
		next = t->next_retired;
		free(t);
	}
	for (size_t i = 0; i < threads->n; i++)
		free(threads->v[i]);
	free(threads->v);
	free(threads->index);
	*threads = (struct rp_threads){ .target = threads->target };
}

int rp_thread_set_regs(struct rp_thread *thread,
		       const struct user_regs_struct *regs)
{
	struct iovec iov = { (void *)regs, sizeof(*regs) };

	if (ptrace(PTRACE_SETREGSET, thread->tid, (void *)NT_PRSTATUS, &iov))
		return -ESRCH;
	if (regs != &thread->regs)
		thread->regs = *regs;
	return 0;
}

bool rp_threads_has(const struct rp_threads *threads, pid_t tid)
{
	char name[32];

	snprintf(name, sizeof(name), "task/%d", tid);
	return !faccessat(threads->target->proc, name, F_OK, 0);
}

/* A short file of a thread, terminated. */
static bool task_file(const struct rp_threads *threads, pid_t tid,
		      const char *file, char *ret, size_t size)
{
	char name[64];
	ssize_t got;
	int fd;

	ret[0] = 0;
	snprintf(name, sizeof(name), "task/%d/%s", tid, file);
	fd = openat(threads->target->proc, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	do
		got = read(fd, ret, size - 1);
	while (got < 0 && errno == EINTR);
	close(fd);
	ret[got > 0 ? got : 0] = 0;
	return got > 0;
}

struct rp_thread_stat rp_thread_stat(const struct rp_threads *threads,
				     pid_t tid)
{
	struct rp_thread_stat ret = { 'X', false };
	unsigned long flags = 0;
	char text[1024], *at;

	if (!task_file(threads, tid, "stat", text, sizeof(text)))
		return ret;
	/* Its name, in parentheses, may hold anything. */
	at = strrchr(text, ')');
	if (at && sscanf(at, ") %c %*d %*d %*d %*d %*d %lu", &ret.state,
			 &flags) == 2)
		ret.is_worker = flags & WORKER_FLAGS;
	return ret;
}

static void comm_of_process(long pid, char *ret, size_t size)
{
	char path[32];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
	file = fopen(path, "re");
	if (!file || !fgets(ret, (int)size, file))
		snprintf(ret, size, "?");
	if (file)
		fclose(file);
	ret[strcspn(ret, "\n")] = 0;
}

int rp_threads_gone(const struct rp_threads *threads, struct rp_diag *diag)
{
	const struct rp_target *t = threads->target;

	rp_diag_set(diag, RP_DIAG_LIVE_GONE, NULL, threads->execed ?
		    "process %d (%s) has started another program: nothing of the old one is left to patch" :
		    "process %d (%s) has ended", t->pid, t->comm);
	return -ESRCH;
}

/* "running" has no number; a thread between system calls has -1. */
static long syscall_of(const struct rp_threads *threads, pid_t tid)
{
	char text[256];

	if (!task_file(threads, tid, "syscall", text, sizeof(text)) ||
	    !isdigit((unsigned char)text[0]))
		return -1;
	return strtol(text, NULL, 10);
}

int rp_thread_is_stuck(const struct rp_threads *threads, pid_t tid, char state,
		       struct rp_diag *diag)
{
	const struct rp_target *t = threads->target;
	long nr = syscall_of(threads, tid);
	const char *name = rp_syscall_name(nr);
	char comm[32], where[64];

	task_file(threads, tid, "comm", comm, sizeof(comm));
	comm[strcspn(comm, "\n")] = 0;
	if (name)
		snprintf(where, sizeof(where), "in %s()", name);
	else if (nr >= 0)
		snprintf(where, sizeof(where), "in system call %ld", nr);
	else
		snprintf(where, sizeof(where), "not in a system call");
	rp_diag_set(diag, RP_DIAG_LIVE_STOP, NULL, state == 'D' ?
		"thread %d (%s) of process %d does not stop: it is %s and waits there for something that no signal interrupts (state %c): try again" :
		"thread %d (%s) of process %d does not stop: it is %s (state %c), the machine may be busy: try again",
		tid, comm, t->pid, where, state);
	return -EAGAIN;
}

/* What the kernel looks at, besides who is who. */
static const char *scope_advice(void)
{
	FILE *file = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
	int scope = 0;

	if (file) {
		if (fscanf(file, "%d", &scope) != 1)
			scope = 0;
		fclose(file);
	}
	switch (scope) {
	case 1:
		return "; kernel.yama.ptrace_scope is 1: only root (CAP_SYS_PTRACE) may trace what it has not started";
	case 2:
		return "; kernel.yama.ptrace_scope is 2: only root (CAP_SYS_PTRACE) may trace";
	case 3:
		return "; kernel.yama.ptrace_scope is 3: nobody may trace until the next boot";
	default:
		return "";
	}
}

static int not_permitted(const struct rp_threads *threads,
			 struct rp_diag *diag)
{
	const struct rp_target *t = threads->target;

	if (t->uid != geteuid() && geteuid())
		return rp_diag_set(diag, RP_DIAG_LIVE_PERMISSION, NULL,
			"process %d (%s) belongs to user %u, this is user %u: run as that user or as root (CAP_SYS_PTRACE)%s",
			t->pid, t->comm, t->uid, geteuid(), scope_advice());
	return rp_diag_set(diag, RP_DIAG_LIVE_PERMISSION, NULL,
		"process %d (%s) may not be traced: it is not dumpable (set-user-ID, prctl(PR_SET_DUMPABLE)), has capabilities or a user namespace that this process has not, or a security module forbids it; CAP_SYS_PTRACE helps%s",
		t->pid, t->comm, scope_advice());
}

static int traced_by(const struct rp_threads *threads, pid_t tid, long tracer,
		     struct rp_diag *diag)
{
	const struct rp_target *t = threads->target;
	char comm[64];

	comm_of_process(tracer, comm, sizeof(comm));
	return rp_diag_set(diag, RP_DIAG_LIVE_TRACED, NULL,
		"thread %d of process %d (%s) is traced by process %ld (%s), and the kernel permits one tracer: detach that first",
		tid, t->pid, t->comm, tracer, comm);
}

/*
 * Why a thread could not be seized. The kernel says EPERM also of one that is
 * ending, and of one that it has seized for us, since its creator was.
 * Return: 1: it is in the list now; 0: there is nothing to seize.
 */
static int refused(struct rp_threads *threads, pid_t tid, struct rp_diag *diag)
{
	char state = rp_thread_stat(threads, tid).state;
	struct rp_thread *thread;
	char name[32], *status;
	long tracer;

	if (state == 'Z' || state == 'X')
		return 0;
	snprintf(name, sizeof(name), "task/%d/status", tid);
	status = rp_target_file(threads->target, name, NULL);
	if (!status)
		return 0;
	tracer = rp_target_status(status, "TracerPid");
	free(status);
	if (tracer > 0 && tracer != gettid())
		return traced_by(threads, tid, tracer, diag);
	if (tracer <= 0)
		return not_permitted(threads, diag);
	thread = rp_threads_add(threads, tid);
	if (!thread)
		return rp_diag_nomem(diag);
	/* Whether a stop is on its way, nobody knows: one is asked for. */
	thread->interrupted = false;
	return 1;
}

static int seize_one(struct rp_threads *threads, pid_t tid,
		     struct rp_diag *diag)
{
	struct rp_thread *thread;

	if (rp_thread_stat(threads, tid).is_worker)
		return 0;
	if (ptrace(PTRACE_SEIZE, tid, NULL, (void *)RP_TRACE_OPTIONS))
		return errno == ESRCH ? 0 : refused(threads, tid, diag);
	thread = rp_threads_add(threads, tid);
	if (!thread)
		return rp_diag_nomem(diag);
	thread->interrupted = false;
	return 1;
}

int rp_threads_scan(struct rp_threads *threads, struct rp_diag *diag)
{
	int fd = openat(threads->target->proc, "task",
			O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	int found = 0, ret = 0;
	struct dirent *entry;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	while (ret >= 0 && (entry = readdir(dir))) {
		pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);
		struct rp_thread *known = rp_threads_find(threads, tid);

		if (tid <= 0 || (known && known->state != RP_THREAD_GONE))
			continue;
		ret = seize_one(threads, tid, diag);
		found += ret > 0;
	}
	closedir(dir);
	return ret < 0 ? ret : found;
}

int rp_threads_seize(struct rp_threads *threads, const struct rp_target *target,
		     struct rp_diag *diag)
{
	int found;

	*threads = (struct rp_threads){ .target = target };
	/*
	 * Those that are not seized yet may create others meanwhile. A list that
	 * has nothing new may still lack one, as it is not read at once:
	 * rp_threads_stop() counts.
	 */
	do {
		found = rp_threads_scan(threads, diag);
		rp_threads_poll(threads);
	} while (found > 0);
	if (found < 0)
		return found;
	if (!rp_threads_count(threads)) {
		rp_threads_gone(threads, diag);
		return -EINVAL;
	}
	return 0;
}
