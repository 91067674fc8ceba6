/* SPDX-License-Identifier: MIT */
/*
 * The same work for many files.
 *
 * Threads take the next index and keep what it prints; the calling thread prints
 * it when its turn has come.
 */
#define _GNU_SOURCE
#include "parallel.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

/* What one call printed. */
struct result {
	char *out, *err;
	size_t out_size, err_size;
	bool done;
};

struct work {
	rp_parallel_fn *fn;
	void *context;
	size_t n;
	pthread_mutex_t lock;	/* of all below */
	pthread_cond_t ready;	/* a result is done, or a thread has ended */
	size_t next;
	unsigned int threads;	/* that still run */
	struct result *results;
	int status;
	bool stop;
};

static void signals_that_wait(sigset_t *ret)
{
	sigemptyset(ret);
	sigaddset(ret, SIGINT);
	sigaddset(ret, SIGTERM);
	sigaddset(ret, SIGHUP);
	sigaddset(ret, SIGPIPE);
}

static bool signal_waits(void)
{
	sigset_t pending, ours;

	signals_that_wait(&ours);
	if (sigpending(&pending))
		return false;
	sigandset(&pending, &pending, &ours);
	return !sigisemptyset(&pending);
}

static int no_memory(void)
{
	fprintf(stderr, "repoint: error: out of memory\n");
	return 1;
}

static int call(struct work *w, size_t index, struct result *ret)
{
	FILE *out = open_memstream(&ret->out, &ret->out_size);
	FILE *err = open_memstream(&ret->err, &ret->err_size);
	int status = -1;

	if (out && err)
		status = w->fn(w->context, index, out, err);
	// Their memory may run out as late as here.
	if (out && fclose(out))
		status = -1;
	if (err && fclose(err))
		status = -1;
	return status < 0 ? no_memory() : status;
}

static void *worker(void *context)
{
	struct work *w = context;

	pthread_mutex_lock(&w->lock);
	while (w->next < w->n && !w->stop) {
		size_t index = w->next++;
		struct result result = { 0 };

		pthread_mutex_unlock(&w->lock);
		int status = call(w, index, &result);
		bool stop = signal_waits();
		result.done = true;
		pthread_mutex_lock(&w->lock);
		w->results[index] = result;
		w->stop |= stop;
		if (status > w->status)
			w->status = status;
		pthread_cond_signal(&w->ready);
	}
	w->threads--;
	pthread_cond_signal(&w->ready);
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void print(struct result *result)
{
	if (result->err_size)
		fwrite(result->err, 1, result->err_size, stderr);
	if (result->out_size)
		fwrite(result->out, 1, result->out_size, stdout);
	free(result->err);
	free(result->out);
}

static void print_in_order(struct work *w)
{
	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < w->n; i++) {
		while (!w->results[i].done && w->threads)
			pthread_cond_wait(&w->ready, &w->lock);
		if (!w->results[i].done)
			break;
		pthread_mutex_unlock(&w->lock);
		print(&w->results[i]);
		bool stop = signal_waits();
		pthread_mutex_lock(&w->lock);
		w->stop |= stop;
	}
	pthread_mutex_unlock(&w->lock);
}

static int run_threads(struct work *w, unsigned int jobs)
{
	pthread_t *ids = calloc(jobs, sizeof(*ids));
	unsigned int started = 0;

	w->results = calloc(w->n, sizeof(*w->results));
	if (!ids || !w->results) {
		free(ids);
		free(w->results);
		return no_memory();
	}
	// Counted before they start: one may end before the next begins.
	w->threads = jobs;
	while (started < jobs &&
	       !pthread_create(&ids[started], NULL, worker, w))
		started++;
	pthread_mutex_lock(&w->lock);
	w->threads -= jobs - started;
	if (!started)
		w->threads = 1;
	pthread_mutex_unlock(&w->lock);
	if (!started)
		worker(w);
	print_in_order(w);
	for (unsigned int i = 0; i < started; i++)
		pthread_join(ids[i], NULL);
	free(ids);
	free(w->results);
	return w->status;
}

static int run_alone(struct work *w)
{
	for (size_t i = 0; i < w->n && !signal_waits(); i++) {
		int status = w->fn(w->context, i, stdout, stderr);

		if (status > w->status)
			w->status = status;
	}
	return w->status;
}

static unsigned int processors(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		return 1;
	return CPU_COUNT(&set);
}

int rp_parallel(size_t n, unsigned int jobs, rp_parallel_fn *fn, void *context)
{
	struct work w = { .fn = fn, .context = context, .n = n,
			  .lock = PTHREAD_MUTEX_INITIALIZER,
			  .ready = PTHREAD_COND_INITIALIZER };
	sigset_t set, old;

	if (!jobs)
		jobs = processors();
	if (jobs > n)
		jobs = n;
	signals_that_wait(&set);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	int status = jobs > 1 ? run_threads(&w, jobs) : run_alone(&w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return status;
}

bool rp_parallel_jobs(const char *word, unsigned int *ret)
{
	char *end;

	errno = 0;
	unsigned long n = strtoul(word, &end, 10);
	if (word[0] < '0' || word[0] > '9' || *end || errno || !n ||
	    n > RP_PARALLEL_MAX)
		return false;
	*ret = n;
	return true;
}
