// SPDX-License-Identifier: MIT
/* A second thread that keeps another CPU busy while text is changed. */
#define _GNU_SOURCE
#include "worker.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#define WAIT_NS	10000000000u

struct worker {
	pthread_t thread;
	void (*fn)(void);
	uint64_t turns;
	bool stop;
};

static void spin(void)
{
	for (int i = 0; i < 10; i++)
		__asm__ volatile("pause");
}

static void *work(void *data)
{
	struct worker *worker = data;

	bench_pin(1);
	while (!__atomic_load_n(&worker->stop, __ATOMIC_RELAXED)) {
		worker->fn();
		__atomic_fetch_add(&worker->turns, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static uint64_t turns(const struct worker *worker)
{
	return __atomic_load_n(&worker->turns, __ATOMIC_RELAXED);
}

void worker_wait(const struct worker *worker)
{
	uint64_t before, deadline;

	if (!worker)
		return;
	before = turns(worker);
	deadline = bench_ns() + WAIT_NS;
	while (turns(worker) == before) {
		if (bench_ns() > deadline)
			bench_die("the second thread does not run");
		/* Also where there is one CPU only. */
		sched_yield();
	}
}

struct worker *worker_start(void (*fn)(void))
{
	struct worker *worker = calloc(1, sizeof(*worker));

	if (!worker)
		bench_die("no memory for a thread");
	worker->fn = fn ? fn : spin;
	if (pthread_create(&worker->thread, NULL, work, worker))
		bench_die("pthread_create failed");
	worker_wait(worker);
	return worker;
}

void worker_stop(struct worker *worker)
{
	__atomic_store_n(&worker->stop, true, __ATOMIC_RELAXED);
	pthread_join(worker->thread, NULL);
	free(worker);
}
