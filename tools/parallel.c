/* SPDX-License-Identifier: MIT */
/*
 * The same work for many files.
 *
 * Threads take the next index and keep what it prints; the calling thread prints
 * it when its turn has come.
 */
#define _GNU_SOURCE
#include "interrupt.h"
#include "parallel.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#define ASK_NS	50000000	/* how long Ctrl-C may wait to be seen */

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
};

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
	while (w->next < w->n) {
		size_t index = w->next++;
		struct result result = { 0 };

		pthread_mutex_unlock(&w->lock);
		int status = call(w, index, &result);
		result.done = true;
		pthread_mutex_lock(&w->lock);
		w->results[index] = result;
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

static void wait_for(struct work *w, const struct result *result)
{
	while (!result->done && w->threads) {
		struct timespec until;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += ASK_NS;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&w->ready, &w->lock, &until);
		pthread_mutex_unlock(&w->lock);
		rp_interrupt_ask();
		pthread_mutex_lock(&w->lock);
	}
}

static void print_in_order(struct work *w)
{
	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < w->n; i++) {
		wait_for(w, &w->results[i]);
		if (!w->results[i].done)
			break;
		pthread_mutex_unlock(&w->lock);
		print(&w->results[i]);
		rp_interrupt_ask();
		pthread_mutex_lock(&w->lock);
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
	for (size_t i = 0; i < w->n; i++) {
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
	sigset_t old;

	if (!jobs)
		jobs = processors();
	if (jobs > n)
		jobs = n;
	if (jobs < 2)
		return run_alone(&w);
	rp_interrupt_block(&old);
	int status = run_threads(&w, jobs);
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
