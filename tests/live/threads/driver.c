// SPDX-License-Identifier: MIT
/* Programs that are stopped, and tests of how that went. */
#include "driver.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STOP_TRIES	1000

const char *target_program;
static int count, failed;
static pid_t alive;

static void kill_alive(void)
{
	if (alive)
		kill(alive, SIGKILL);
}

static void on_alarm(int signal)
{
	(void)signal;
	kill_alive();
	_exit(99);
}

void plan(const char *program)
{
	target_program = program;
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGALRM, on_alarm);
	atexit(kill_alive);
}

void result(const char *name, bool is_good, const char *why)
{
	printf("%s %d - %s\n", is_good ? "ok" : "not ok", ++count, name);
	failed += !is_good;
	if (!is_good)
		fprintf(stderr, "# %s: %s\n", name, why ? why : "failed");
}

void skipped(const char *name, const char *why)
{
	printf("ok %d - %s # SKIP %s\n", ++count, name, why);
}

int done(void)
{
	printf("1..%d\n", count);
	return failed > 0;
}

void run_program(struct victim *victim, char *const argv[])
{
	int in[2], out[2];

	*victim = (struct victim){ .pid = 0 };
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		exit(99);
	victim->pid = fork();
	if (victim->pid < 0)
		exit(99);
	if (!victim->pid) {
		alive = 0;
		dup2(in[0], 0);
		dup2(out[1], 1);
		execvp(argv[0], argv);
		_exit(99);
	}
	alive = victim->pid;
	close(in[0]);
	close(out[1]);
	victim->in = in[1];
	victim->out = out[0];
}

bool open_victim(struct victim *victim)
{
	struct rp_diag diag;
	char path[32];

	if (state_of(victim->pid, victim->pid) == 'Z') {
		/* Its memory is not looked at here. */
		snprintf(path, sizeof(path), "/proc/%d", victim->pid);
		victim->target = (struct rp_target){
			.pid = victim->pid, .mem = -1,
			.proc = open(path, O_DIRECTORY | O_CLOEXEC),
		};
		return victim->target.proc >= 0;
	}
	if (!rp_target_open(&victim->target, victim->pid, &diag))
		return true;
	fprintf(stderr, "# %s\n", diag.text);
	return false;
}

bool start(struct victim *victim, const char *class)
{
	char *const argv[] = { (char *)target_program, (char *)class, NULL };
	const char *line;

	run_program(victim, argv);
	line = victim_line(victim);
	return !strcmp(line, "ready") && open_victim(victim);
}

const char *victim_line(struct victim *victim)
{
	static char line[512];
	size_t n = 0;

	while (n + 1 < sizeof(line)) {
		struct pollfd pollfd = { victim->out, POLLIN, 0 };

		if (poll(&pollfd, 1, 60000) < 1 ||
		    read(victim->out, &line[n], 1) < 1 || line[n] == '\n')
			break;
		n++;
	}
	line[n] = 0;
	return line;
}

void victim_kill(struct victim *victim)
{
	if (victim->pid > 0) {
		kill(victim->pid, SIGKILL);
		waitpid(victim->pid, NULL, __WALL);
	}
	victim->pid = alive = 0;
	close(victim->in);
	close(victim->out);
	rp_target_close(&victim->target);
}

bool end(struct victim *victim)
{
	const char *line;
	bool is_good;

	close(victim->in);
	victim->in = -1;
	line = victim_line(victim);
	is_good = !strncmp(line, "ok ", 3);
	if (!is_good)
		fprintf(stderr, "# it says: %s\n", *line ? line : "nothing");
	else if (getenv("VERBOSE"))
		fprintf(stderr, "# %s\n", line);
	victim_kill(victim);
	return is_good;
}

char state_of(pid_t pid, pid_t tid)
{
	char path[64], text[512], *at;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	file = fopen(path, "re");
	if (!file)
		return 'X';
	text[fread(text, 1, sizeof(text) - 1, file)] = 0;
	fclose(file);
	at = strrchr(text, ')');
	return at && at[1] ? at[2] : 'X';
}

static bool is_thread_free(pid_t pid, pid_t tid)
{
	char path[64], line[128];
	int tracer = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, tid);
	file = fopen(path, "re");
	if (!file)
		return true;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "TracerPid: %d", &tracer) == 1)
			break;
	}
	fclose(file);
	return !tracer && !strchr("tT", state_of(pid, tid));
}

static bool is_thread_stopped(pid_t pid, pid_t tid)
{
	char state = state_of(pid, tid);

	return state == 't' || (state == 'Z' && pid == tid);
}

static bool all_are(pid_t pid, bool (*is)(pid_t pid, pid_t tid))
{
	struct dirent *entry;
	bool all = true;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			all &= is(pid, atoi(entry->d_name));
	}
	if (dir)
		closedir(dir);
	return all;
}

bool is_free(pid_t pid)
{
	return all_are(pid, is_thread_free);
}

static void sleep_us(unsigned int us)
{
	nanosleep(&(struct timespec){ 0, 1000l * us }, NULL);
}

void run_for(struct victim *victim, unsigned int us)
{
	for (unsigned int i = 0; i < us / 200 + 1; i++) {
		sleep_us(us < 200 ? us : 200);
		rp_threads_poll(&victim->threads);
	}
}

/* Mostly short, but waits that start again have to end once in a while. */
static unsigned int gap(int i)
{
	return i % 8 == 7 ? 20000 : rand() % 3000;
}

static const char *all_stopped(const struct victim *victim)
{
	const struct rp_threads *threads = &victim->threads;

	if (!threads->stopped || !threads->n)
		return "not stopped";
	for (size_t i = 0; i < threads->n; i++) {
		const struct rp_thread *t = threads->v[i];

		if (t->state == RP_THREAD_STOPPED && !t->regs.rip)
			return "no registers";
		if (t->state == RP_THREAD_RUNNING)
			return "a thread runs";
	}
	/* Also those that are not in the list. */
	if (threads->n < 100 && !all_are(victim->pid, is_thread_stopped))
		return "a thread that is not listed runs";
	return NULL;
}

int stop_soon(struct victim *victim, struct rp_diag *diag)
{
	int ret = -EAGAIN;

	for (int i = 0; i < STOP_TRIES && ret == -EAGAIN; i++) {
		ret = rp_threads_stop(&victim->threads, diag);
		if (ret == -EAGAIN)
			run_for(victim, 5000);
	}
	return ret;
}

static const char *stop(struct victim *victim, int *again)
{
	static char text[600];
	struct rp_diag diag;
	int ret = rp_threads_stop(&victim->threads, &diag);

	if (ret == -EAGAIN) {
		++*again;
		ret = stop_soon(victim, &diag);
	}
	if (!ret)
		return all_stopped(victim);
	snprintf(text, sizeof(text), "stop: %d: %s", ret, diag.text);
	return text;
}

const char *cycles(struct victim *victim, int n, int *again)
{
	static char text[600];
	const char *why = NULL;
	struct rp_diag diag;

	for (int i = 0; i < n && !why;) {
		/* Stops that end with a release, and a row of them before. */
		int row = i / 10 % 2 ? 9 : 0;

		if (rp_threads_seize(&victim->threads, &victim->target, &diag)) {
			snprintf(text, sizeof(text), "seize: %s", diag.text);
			why = text;
		}
		for (int j = 0; j < row && !why; j++, i++) {
			why = stop(victim, again);
			rp_threads_resume(&victim->threads);
			run_for(victim, gap(i));
		}
		if (!why)
			why = stop(victim, again);
		i++;
		rp_threads_release(&victim->threads);
		sleep_us(gap(i));
	}
	return why;
}
