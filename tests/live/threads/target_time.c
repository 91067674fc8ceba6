// SPDX-License-Identifier: MIT
/*
 * Waits that end by their timeout, and not by anything else. Those of SHORT
 * start again in full at each stop, and so have to end between two.
 */
#include "target.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/aio_abi.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

#define LONG	(20 * MS)
#define SHORT	(1 * MS)

static int fd, pair[2];

static void once_nanosleep(void)
{
	struct timespec ts = in_ns(LONG);
	int64_t start = now_ns();

	GOOD(nanosleep(&ts, NULL));
	took("nanosleep", start, LONG);
}

static void once_clock_nanosleep(void)
{
	int64_t start = now_ns();
	struct timespec ts = in_ns(LONG), until = in_ns(start + 2 * LONG);

	errno = clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
	GOOD(errno ? -1 : 0);
	took("clock_nanosleep", start, LONG);
	errno = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
	GOOD(errno ? -1 : 0);
	took("clock_nanosleep until", start, 2 * LONG);
}

static void once_poll(void)
{
	int64_t start = now_ns();

	if (GOOD(poll(NULL, 0, LONG / MS)))
		bad("poll found something");
	took("poll", start, LONG);
}

static void once_ppoll(void)
{
	struct timespec ts = in_ns(LONG);
	int64_t start = now_ns();

	GOOD(ppoll(NULL, 0, &ts, NULL));
	took("ppoll", start, LONG);
}

static void once_select(void)
{
	struct timeval tv = { 0, LONG / 1000 };
	int64_t start = now_ns();

	GOOD(select(0, NULL, NULL, NULL, &tv));
	took("select", start, LONG);
}

/* The kernel cannot write the rest of the time into this one. */
static void once_select_readonly(void)
{
	static struct timeval *tv;
	int64_t start;

	if (!tv) {
		tv = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		tv->tv_usec = SHORT / 1000;
		GOOD(mprotect(tv, 4096, PROT_READ));
	}
	start = now_ns();
	GOOD(syscall(SYS_select, 0, NULL, NULL, NULL, tv));
	took("select", start, SHORT);
}

static void once_pselect(void)
{
	struct timespec ts = in_ns(LONG);
	int64_t start = now_ns();
	sigset_t mask;

	sigfillset(&mask);
	GOOD(pselect(0, NULL, NULL, NULL, &ts, &mask));
	took("pselect", start, LONG);
	GOOD(sigprocmask(SIG_BLOCK, NULL, &mask));
	if (sigismember(&mask, SIGUSR1))
		bad("pselect left its mask");
}

static uint32_t word = 1;

static void once_futex(void)
{
	struct timespec ts = in_ns(LONG);
	int64_t start = now_ns();

	FAILS(ETIMEDOUT, syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 1, &ts));
	took("futex", start, LONG);
	start = now_ns();
	ts = in_ns(start + LONG);
	FAILS(ETIMEDOUT, syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, 1,
				 &ts, NULL, FUTEX_BITSET_MATCH_ANY));
	took("futex until", start, LONG);
}

static void start_epoll(void)
{
	fd = GOOD(epoll_create1(0));
}

static void once_epoll_wait(void)
{
	int64_t start = now_ns();
	struct epoll_event event;

	/* Not epoll_wait(): some libc make it epoll_pwait(). */
	GOOD(syscall(SYS_epoll_wait, fd, &event, 1, SHORT / MS));
	took("epoll_wait", start, SHORT);
}

static void once_epoll_pwait(void)
{
	int64_t start = now_ns();
	struct timespec ts = in_ns(SHORT);
	struct epoll_event event;
	sigset_t mask;

	sigfillset(&mask);
	GOOD(epoll_pwait(fd, &event, 1, SHORT / MS, &mask));
	took("epoll_pwait", start, SHORT);
	start = now_ns();
	if (syscall(441, fd, &event, 1, &ts, &mask, 8ul) && errno != ENOSYS)
		bad("epoll_pwait2: %s", strerror(errno));
	GOOD(sigprocmask(SIG_BLOCK, NULL, &mask));
	if (sigismember(&mask, SIGUSR1))
		bad("epoll_pwait left its mask");
}

static void once_sigtimedwait(void)
{
	struct timespec ts = in_ns(SHORT);
	int64_t start = now_ns();
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	FAILS(EAGAIN, sigtimedwait(&set, NULL, &ts));
	took("sigtimedwait", start, SHORT);
}

static void start_sem(void)
{
	fd = GOOD(semget(IPC_PRIVATE, 1, 0600));
}

static void once_semtimedop(void)
{
	struct sembuf operation = { 0, -1, 0 };
	struct timespec ts = in_ns(SHORT);
	int64_t start = now_ns();

	FAILS(EAGAIN, semtimedop(fd, &operation, 1, &ts));
	took("semtimedop", start, SHORT);
}

static void end_sem(void)
{
	semctl(fd, 0, IPC_RMID);
}

static void start_mq(void)
{
	struct mq_attr attr = { .mq_maxmsg = 1, .mq_msgsize = 8 };
	char name[32];

	snprintf(name, sizeof(name), "/repoint-%d", getpid());
	fd = GOOD(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr));
	mq_unlink(name);
}

static void once_mq(void)
{
	int64_t start = now_ns();
	struct timespec ts;
	char message[8];

	clock_gettime(CLOCK_REALTIME, &ts);
	ts = in_ns(ts.tv_sec * 1000 * MS + ts.tv_nsec + LONG);
	FAILS(ETIMEDOUT, mq_timedreceive(fd, message, 8, NULL, &ts));
	took("mq_timedreceive", start, LONG);
}

static void set_timeouts(int s)
{
	struct timeval tv = { 0, SHORT / 1000 };

	GOOD(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	GOOD(setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
}

static void start_pair(void)
{
	GOOD(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	set_timeouts(pair[0]);
	while (send(pair[0], "x", 1, MSG_DONTWAIT) == 1)
		;
}

static void once_recv(void)
{
	char byte;
	struct iovec iov = { &byte, 1 };
	struct mmsghdr m = { .msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 } };

	FAILS(EAGAIN, recv(pair[0], &byte, 1, 0));
	FAILS(EAGAIN, read(pair[0], &byte, 1));
	FAILS(EAGAIN, readv(pair[0], &iov, 1));
	FAILS(EAGAIN, recvmsg(pair[0], &m.msg_hdr, 0));
	FAILS(EAGAIN, recvmmsg(pair[0], &m, 1, 0, NULL));
}

static void once_send(void)
{
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct mmsghdr m = { .msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 } };

	FAILS(EAGAIN, send(pair[0], &byte, 1, 0));
	FAILS(EAGAIN, write(pair[0], &byte, 1));
	FAILS(EAGAIN, writev(pair[0], &iov, 1));
	FAILS(EAGAIN, sendmsg(pair[0], &m.msg_hdr, 0));
	FAILS(EAGAIN, sendmmsg(pair[0], &m, 1, 0));
}

static void start_accept(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET };

	fd = GOOD(socket(AF_INET, SOCK_STREAM, 0));
	GOOD(bind(fd, (struct sockaddr *)&any, sizeof(any)));
	GOOD(listen(fd, 1));
	set_timeouts(fd);
}

static void once_accept(void)
{
	FAILS(EAGAIN, accept(fd, NULL, NULL));
	FAILS(EAGAIN, accept4(fd, NULL, NULL, 0));
}

/* Nobody accepts, and the queue is full. */
static void start_connect(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int first = GOOD(socket(AF_UNIX, SOCK_STREAM, 0));

	fd = GOOD(socket(AF_UNIX, SOCK_STREAM, 0));
	snprintf(name.sun_path, sizeof(name.sun_path), "%s/s", directory());
	GOOD(bind(fd, (struct sockaddr *)&name, sizeof(name)));
	GOOD(listen(fd, 0));
	GOOD(connect(first, (struct sockaddr *)&name, sizeof(name)));
}

static void once_connect(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int s = GOOD(socket(AF_UNIX, SOCK_STREAM, 0));

	snprintf(name.sun_path, sizeof(name.sun_path), "%s/s", directory());
	set_timeouts(s);
	FAILS(EAGAIN, connect(s, (struct sockaddr *)&name, sizeof(name)));
	close(s);
}

static aio_context_t aio;

static void start_aio(void)
{
	GOOD(syscall(SYS_io_setup, 1, &aio));
}

static void once_aio(void)
{
	struct timespec ts = in_ns(SHORT);
	int64_t start = now_ns();
	struct io_event event;

	if (GOOD(syscall(SYS_io_getevents, aio, 1, 1, &event, &ts)))
		bad("io_getevents found something");
	took("io_getevents", start, SHORT);
	start = now_ns();
	if (GOOD(syscall(SYS_io_pgetevents, aio, 1, 1, &event, &ts, NULL)))
		bad("io_pgetevents found something");
	took("io_pgetevents", start, SHORT);
}

/* Where it is not permitted, there is nothing to find out. */
static void start_uring(void)
{
	struct io_uring_params params = { 0 };

	fd = syscall(SYS_io_uring_setup, 2, &params);
	if (fd < 0 || !(params.features & IORING_FEAT_EXT_ARG)) {
		printf("skip io_uring is not available\n");
		fflush(stdout);
		_exit(0);
	}
}

static void once_uring(void)
{
	struct __kernel_timespec ts = { 0, SHORT };
	struct io_uring_getevents_arg arg = { .ts = (uintptr_t)&ts };
	int64_t start = now_ns();

	FAILS(ETIME, syscall(SYS_io_uring_enter, fd, 0, 1,
			     IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG,
			     &arg, sizeof(arg)));
	took("io_uring_enter", start, SHORT);
}

const struct target_class time_classes[] = {
	{ "time-nanosleep", NULL, once_nanosleep, NULL, NULL },
	{ "time-clock-nanosleep", NULL, once_clock_nanosleep, NULL, NULL },
	{ "time-poll", NULL, once_poll, NULL, NULL },
	{ "time-ppoll", NULL, once_ppoll, NULL, NULL },
	{ "time-select", NULL, once_select, NULL, NULL },
	{ "time-select-readonly", NULL, once_select_readonly, NULL, NULL },
	{ "time-pselect", NULL, once_pselect, NULL, NULL },
	{ "time-futex", NULL, once_futex, NULL, NULL },
	{ "time-epoll-wait", start_epoll, once_epoll_wait, NULL, NULL },
	{ "time-epoll-pwait", start_epoll, once_epoll_pwait, NULL, NULL },
	{ "time-sigtimedwait", NULL, once_sigtimedwait, NULL, NULL },
	{ "time-semtimedop", start_sem, once_semtimedop, NULL, end_sem },
	{ "time-mq", start_mq, once_mq, NULL, NULL },
	{ "time-recv", start_pair, once_recv, NULL, NULL },
	{ "time-send", start_pair, once_send, NULL, NULL },
	{ "time-accept", start_accept, once_accept, NULL, NULL },
	{ "time-connect", start_connect, once_connect, NULL, NULL },
	{ "time-io-getevents", start_aio, once_aio, NULL, NULL },
	{ "time-io-uring", start_uring, once_uring, NULL, NULL },
	{ .name = NULL },
};
