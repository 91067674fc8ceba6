/* SPDX-License-Identifier: MIT */
/* Ctrl-C, and what must not be cut short by it. */
#define _GNU_SOURCE
#include "interrupt.h"

#include <pthread.h>
#include <stdbool.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;	/* of all below */
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned int holders;
static bool ending;

static void our_signals(sigset_t *ret)
{
	sigemptyset(ret);
	sigaddset(ret, SIGINT);
	sigaddset(ret, SIGTERM);
	sigaddset(ret, SIGHUP);
	sigaddset(ret, SIGPIPE);
}

void rp_interrupt_block(sigset_t *old)
{
	sigset_t ours;

	our_signals(&ours);
	pthread_sigmask(SIG_BLOCK, &ours, old);
}

void rp_interrupt_hold(struct rp_interrupt_hold *hold)
{
	rp_interrupt_block(&hold->mask);
	pthread_mutex_lock(&lock);
	while (ending)
		pthread_cond_wait(&changed, &lock);
	holders++;
	pthread_mutex_unlock(&lock);
}

void rp_interrupt_release(const struct rp_interrupt_hold *hold)
{
	pthread_mutex_lock(&lock);
	holders--;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	pthread_sigmask(SIG_SETMASK, &hold->mask, NULL);
}

static void end(const sigset_t *ours)
{
	pthread_mutex_lock(&lock);
	ending = true;
	while (holders)
		pthread_cond_wait(&changed, &lock);
	// None of them is caught, and what is ignored does not wait.
	pthread_sigmask(SIG_UNBLOCK, ours, NULL);
	pthread_sigmask(SIG_BLOCK, ours, NULL);
	ending = false;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

void rp_interrupt_ask(void)
{
	sigset_t pending, ours;

	our_signals(&ours);
	if (sigpending(&pending))
		return;
	sigandset(&pending, &pending, &ours);
	if (!sigisemptyset(&pending))
		end(&ours);
}
