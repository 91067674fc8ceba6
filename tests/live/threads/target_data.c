// SPDX-License-Identifier: MIT
/* Waits that end because something comes: all of it, and nothing else. */
#include "target.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>

static int fd, other, ends[2];
static uint64_t sent, received;

/* Numbers, one by one. */
static void feed_numbers(void)
{
	sent++;
	if (GOOD(write(ends[1], &sent, sizeof(sent))) != sizeof(sent))
		bad("a number was cut");
}

static void take_number(const char *what, uint64_t number)
{
	if (number != ++received)
		bad("%s: %llu, not %llu", what, (unsigned long long)number,
		    (unsigned long long)received);
}

static void start_pipe(void)
{
	GOOD(pipe(ends));
}

static void start_sockets(void)
{
	struct timeval tv = { 100, 0 };

	GOOD(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	GOOD(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
}

static void once_read(void)
{
	uint64_t number;

	if (GOOD(read(ends[0], &number, sizeof(number))) != sizeof(number))
		bad("read: not all of it");
	take_number("read", number);
}

static void once_recv(void)
{
	uint64_t number;

	if (GOOD(recv(ends[0], &number, 8, 0)) != 8)
		bad("recv: not all of it");
	take_number("recv", number);
}

static void once_poll(void)
{
	struct pollfd pollfd = { .fd = ends[0], .events = POLLIN };

	if (GOOD(poll(&pollfd, 1, -1)) != 1)
		bad("poll: nothing");
	once_read();
}

static void start_epoll(void)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = 42 };

	start_pipe();
	fd = GOOD(epoll_create1(0));
	GOOD(epoll_ctl(fd, EPOLL_CTL_ADD, ends[0], &event));
}

static void once_epoll(void)
{
	struct epoll_event event;

	if (GOOD(syscall(SYS_epoll_wait, fd, &event, 1, -1)) != 1 ||
	    event.data.u64 != 42)
		bad("epoll_wait: nothing");
	once_read();
}

static void start_eventfd(void)
{
	fd = GOOD(eventfd(0, EFD_SEMAPHORE));
}

static void feed_eventfd(void)
{
	GOOD(eventfd_write(fd, 1));
}

static void once_eventfd(void)
{
	eventfd_t value;

	GOOD(eventfd_read(fd, &value));
	if (value != 1)
		bad("eventfd: %llu", (unsigned long long)value);
}

static void start_timerfd(void)
{
	struct itimerspec spec = { { 0, 2 * MS }, { 0, 2 * MS } };

	fd = GOOD(timerfd_create(CLOCK_MONOTONIC, 0));
	GOOD(timerfd_settime(fd, 0, &spec, NULL));
}

static void once_timerfd(void)
{
	uint64_t expirations = 0;

	GOOD(read(fd, &expirations, sizeof(expirations)));
	if (!expirations)
		bad("timerfd: none");
}

static void start_inotify(void)
{
	fd = GOOD(inotify_init1(0));
	GOOD(inotify_add_watch(fd, directory(), IN_CREATE));
}

static void feed_inotify(void)
{
	char name[128];

	snprintf(name, sizeof(name), "%s/f", directory());
	close(GOOD(open(name, O_CREAT | O_EXCL | O_WRONLY, 0600)));
	GOOD(unlink(name));
}

static void once_inotify(void)
{
	char event[sizeof(struct inotify_event) + 16];

	GOOD(read(fd, event, sizeof(event)));
	if (((struct inotify_event *)event)->mask != IN_CREATE)
		bad("inotify: something else");
}

static struct sockaddr_in address = { .sin_family = AF_INET };

static void start_accept(void)
{
	socklen_t size = sizeof(address);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = GOOD(socket(AF_INET, SOCK_STREAM, 0));
	GOOD(bind(fd, (struct sockaddr *)&address, size));
	GOOD(getsockname(fd, (struct sockaddr *)&address, &size));
	GOOD(listen(fd, 100));
}

/* With a timeout, which does not matter. */
static void start_accept_timeout(void)
{
	struct timeval tv = { 100, 0 };

	start_accept();
	GOOD(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
}

static void feed_accept(void)
{
	int s = GOOD(socket(AF_INET, SOCK_STREAM, 0));

	GOOD(connect(s, (struct sockaddr *)&address, sizeof(address)));
	close(s);
}

static void once_accept(void)
{
	close(GOOD(accept(fd, NULL, NULL)));
}

/* A full queue: the kernel lets wait until feed() accepts. */
static void start_connect(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	fd = GOOD(socket(AF_UNIX, SOCK_STREAM, 0));
	snprintf(name.sun_path, sizeof(name.sun_path), "%s/s", directory());
	GOOD(bind(fd, (struct sockaddr *)&name, sizeof(name)));
	GOOD(listen(fd, 0));
}

static void feed_connect(void)
{
	close(GOOD(accept(fd, NULL, NULL)));
}

static void once_connect(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct timeval tv = { 100, 0 };
	int s = GOOD(socket(AF_UNIX, SOCK_STREAM, 0));

	snprintf(name.sun_path, sizeof(name.sun_path), "%s/s", directory());
	GOOD(setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
	GOOD(connect(s, (struct sockaddr *)&name, sizeof(name)));
	close(s);
}

/* The first SYN is dropped, as the queue is full; the second comes after 1 s. */
static void start_connect_inet(void)
{
	start_accept();
	GOOD(listen(fd, 0));
}

static void feed_connect_inet(void)
{
	usleep(300000);
	close(GOOD(accept(fd, NULL, NULL)));
}

static void once_connect_inet(void)
{
	struct timeval tv = { 100, 0 };
	int s = GOOD(socket(AF_INET, SOCK_STREAM, 0));

	GOOD(setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
	GOOD(connect(s, (struct sockaddr *)&address, sizeof(address)));
	if (GOOD(send(s, "x", 1, 0)) != 1)
		bad("connect: not connected");
	close(s);
}

static void start_send(void)
{
	struct timeval tv = { 100, 0 };
	int size = 1;

	GOOD(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends));
	GOOD(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)));
	GOOD(setsockopt(ends[1], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
	do
		sent++;
	while (send(ends[1], &sent, 8, MSG_DONTWAIT) == 8);
	sent--;
}

static void feed_send(void)
{
	uint64_t number;

	if (GOOD(recv(ends[0], &number, 8, 0)) != 8)
		bad("send: not all of it");
	take_number("send", number);
}

static void once_send(void)
{
	sent++;
	if (GOOD(send(ends[1], &sent, 8, 0)) != 8)
		bad("send: not all of it");
}

struct message {
	long type;
	uint64_t number;
};

static void start_msg(void)
{
	fd = GOOD(msgget(IPC_PRIVATE, 0600));
}

static void end_msg(void)
{
	msgctl(fd, IPC_RMID, NULL);
}

static void put_message(void)
{
	struct message m = { 1, ++sent };

	GOOD(msgsnd(fd, &m, sizeof(m.number), 0));
}

static void get_message(void)
{
	struct message m;

	GOOD(msgrcv(fd, &m, sizeof(m.number), 0, 0));
	take_number("message", m.number);
}

static void start_msgsnd(void)
{
	struct message m = { 1, 1 };

	start_msg();
	while (!msgsnd(fd, &m, sizeof(m.number), IPC_NOWAIT))
		sent = m.number++;
}

static void start_sem(void)
{
	fd = GOOD(semget(IPC_PRIVATE, 1, 0600));
}

static void feed_sem(void)
{
	struct sembuf operation = { 0, 1, 0 };

	GOOD(semop(fd, &operation, 1));
	sent++;
}

static void once_sem(void)
{
	struct sembuf operation = { 0, -1, 0 };

	GOOD(semop(fd, &operation, 1));
	received++;
}

static void end_sem(void)
{
	semctl(fd, 0, IPC_RMID);
}

static void start_mq(void)
{
	struct mq_attr attr = { .mq_maxmsg = 4, .mq_msgsize = 8 };
	char name[32];

	snprintf(name, sizeof(name), "/repoint-%d", getpid());
	fd = GOOD(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr));
	mq_unlink(name);
}

static void feed_mq(void)
{
	sent++;
	GOOD(mq_send(fd, (char *)&sent, 8, 0));
}

static void once_mq(void)
{
	uint64_t number;

	GOOD(mq_receive(fd, (char *)&number, 8, NULL));
	take_number("mq_receive", number);
}

/* Locks: feed() holds one description's every other time. */
static void start_lock(void)
{
	char name[128];

	snprintf(name, sizeof(name), "%s/lock", directory());
	fd = GOOD(open(name, O_CREAT | O_RDWR, 0600));
	other = GOOD(open(name, O_RDWR));
}

static void feed_flock(void)
{
	GOOD(flock(other, LOCK_EX));
	usleep(2000);
	GOOD(flock(other, LOCK_UN));
}

static void once_flock(void)
{
	GOOD(flock(fd, LOCK_EX));
	GOOD(flock(fd, LOCK_UN));
	usleep(100);
}

static void set_lock(int description, int command, int type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_len = 1 };

	GOOD(fcntl(description, command, &lock));
}

static void feed_ofd(void)
{
	set_lock(other, F_OFD_SETLKW, F_WRLCK);
	usleep(2000);
	set_lock(other, F_OFD_SETLKW, F_UNLCK);
}

/* Against the feeding one, and against those of the process itself. */
static void once_fcntl(void)
{
	set_lock(fd, F_OFD_SETLKW, F_WRLCK);
	set_lock(fd, F_OFD_SETLKW, F_UNLCK);
	set_lock(fd, F_SETLKW, F_WRLCK);
	set_lock(fd, F_SETLKW, F_UNLCK);
	usleep(100);
}

static pid_t child(void)
{
	pid_t pid = GOOD(fork());

	if (!pid) {
		usleep(3000);
		_exit(7);
	}
	return pid;
}

static void once_wait(void)
{
	siginfo_t info = { .si_pid = 0 };
	pid_t pid = child();
	int status;

	if (GOOD(waitpid(pid, &status, 0)) != pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status) != 7)
		bad("waitpid: status %#x", status);
	pid = child();
	GOOD(waitid(P_PID, pid, &info, WEXITED));
	if (info.si_pid != pid || info.si_status != 7)
		bad("waitid: status %#x", info.si_status);
}

static _Atomic uint32_t word;

static void feed_futex(void)
{
	word++;
	GOOD(syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1));
}

static void once_futex(void)
{
	uint32_t was = word;

	if (syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, was, NULL) &&
	    errno != EAGAIN)
		bad("futex: %s", strerror(errno));
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

static void feed_cond(void)
{
	pthread_mutex_lock(&mutex);
	sent++;
	pthread_cond_signal(&cond);
	usleep(1000);
	pthread_mutex_unlock(&mutex);
}

static void once_cond(void)
{
	pthread_mutex_lock(&mutex);
	while (received == sent) {
		if (pthread_cond_wait(&cond, &mutex))
			bad("pthread_cond_wait");
	}
	received++;
	pthread_mutex_unlock(&mutex);
}

const struct target_class data_classes[] = {
	{ "data-read", start_pipe, once_read, feed_numbers, NULL },
	{ "data-recv", start_sockets, once_recv, feed_numbers, NULL },
	{ "data-read-socket", start_sockets, once_read, feed_numbers, NULL },
	{ "data-poll", start_pipe, once_poll, feed_numbers, NULL },
	{ "data-epoll", start_epoll, once_epoll, feed_numbers, NULL },
	{ "data-eventfd", start_eventfd, once_eventfd, feed_eventfd, NULL },
	{ "data-timerfd", start_timerfd, once_timerfd, NULL, NULL },
	{ "data-inotify", start_inotify, once_inotify, feed_inotify, NULL },
	{ "data-accept", start_accept, once_accept, feed_accept, NULL },
	{ "data-accept-timeout", start_accept_timeout, once_accept, feed_accept,
	  NULL },
	{ "data-connect", start_connect, once_connect, feed_connect, NULL },
	{ "data-connect-inet", start_connect_inet, once_connect_inet,
	  feed_connect_inet, NULL },
	{ "data-send", start_send, once_send, feed_send, NULL },
	{ "data-msgrcv", start_msg, get_message, put_message, end_msg },
	{ "data-msgsnd", start_msgsnd, put_message, get_message, end_msg },
	{ "data-semop", start_sem, once_sem, feed_sem, end_sem },
	{ "data-mq", start_mq, once_mq, feed_mq, NULL },
	{ "data-flock", start_lock, once_flock, feed_flock, NULL },
	{ "data-fcntl", start_lock, once_fcntl, feed_ofd, NULL },
	{ "data-wait", NULL, once_wait, NULL, NULL },
	{ "data-futex", NULL, once_futex, feed_futex, NULL },
	{ "data-cond", NULL, once_cond, feed_cond, NULL },
	{ .name = NULL },
};
