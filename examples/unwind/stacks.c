// SPDX-License-Identifier: MIT
/*
 * Prints the stack of this thread, and that of another one, by table.
 *
 *   stacks DIRECTORY       of tables: `repoint object orc --from-eh-frame`
 *
 * docs/unwind.md explains it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <repoint/unwind.h>

/* Not static: dladdr() knows the names of exported functions only. */
int print_own(void);
void wait_for_work(int fd);
void *worker(void *data);

static struct rp_unwind_module modules[32];
static struct rp_unwind_space space = { sizeof(space), modules, 0, 32 };

static void print_frame(const struct rp_unwind_frame *frame)
{
	Dl_info info = { .dli_fname = NULL };
	const char *exact = frame->flags & RP_UNWIND_EXACT ? " interrupted"
							    : "";

	dladdr((void *)(uintptr_t)frame->ip, &info);
	if (info.dli_sname)
		printf("  %s+%#lx%s\n", info.dli_sname,
		       (unsigned long)(frame->ip - (uintptr_t)info.dli_saddr),
		       exact);
	else
		printf("  %#llx in %s%s\n", (unsigned long long)frame->ip,
		       info.dli_fname ? info.dli_fname : "nowhere", exact);
}

static void print_stack(struct rp_unwind_frame frame,
			const struct rp_unwind_memory *memory)
{
	int rc;

	do {
		print_frame(&frame);
		rc = rp_unwind_step(&space, memory, &frame);
	} while (rc == 1);
	printf("  %s\n", rc ? strerror(-rc) : "the end");
}

/* ---- this thread ---- */

__attribute__((noinline)) int print_own(void)
{
	const struct rp_unwind_memory memory = RP_UNWIND_MEMORY_OWN;
	struct rp_unwind_frame frame;

	if (rp_unwind_here(&frame))
		return 1;
	print_stack(frame, &memory);
	return 0;
}

/* ---- another one ---- */

static struct rp_unwind_frame interrupted;
static sem_t taken, printed;

/* It stays here while its stack is looked at. */
static void on_signal(int sig, siginfo_t *info, void *ucontext)
{
	(void)sig;
	(void)info;
	rp_unwind_from_ucontext(&interrupted, ucontext);
	sem_post(&taken);
	while (sem_wait(&printed))
		;
}

__attribute__((noinline)) void wait_for_work(int fd)
{
	char c;

	while (read(fd, &c, 1) != 1)
		;
}

void *worker(void *data)
{
	wait_for_work(*(int *)data);
	return NULL;
}

static int print_other(void)
{
	struct rp_unwind_process self = { .pid = getpid() };
	/* What a signal interrupted is read in a way that cannot fault. */
	struct rp_unwind_memory memory = { sizeof(memory), 0, 0, NULL,
					   rp_unwind_read_process, &self };
	struct sigaction action = { .sa_sigaction = on_signal,
				    .sa_flags = SA_SIGINFO | SA_RESTART };
	pthread_t thread;
	int work[2];

	if (pipe(work) || pthread_create(&thread, NULL, worker, work))
		return 1;
	usleep(10000);
	sigaction(SIGUSR1, &action, NULL);
	pthread_kill(thread, SIGUSR1);
	while (sem_wait(&taken))
		;
	print_stack(interrupted, &memory);
	sem_post(&printed);
	if (write(work[1], "x", 1) != 1)
		return 1;
	return pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
	size_t missing = 0;
	int added = rp_unwind_space_add_self(&space,
					     argc > 1 ? argv[1] : NULL,
					     &missing);

	if (added < 0) {
		fprintf(stderr, "stacks: %s\n", strerror(-added));
		return 1;
	}
	printf("%d tables, none of %zu objects\n", added, missing);
	puts("this thread:");
	if (print_own())
		return 1;
	puts("another thread:");
	sem_init(&taken, 0, 0);
	sem_init(&printed, 0, 0);
	if (print_other())
		return 1;
	rp_unwind_space_close(&space);
	return 0;
}
