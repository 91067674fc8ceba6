// SPDX-License-Identifier: MIT
/*
 * Runs a command, and prints "STATUS BYTES": its exit status, and its largest
 * resident set.
 *
 * A process inherits the maximum of the one that started it, up to exec(): the
 * benchmark itself is larger than what it measures. So this one is small.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct rusage usage;
	int status;
	pid_t pid;

	if (argc < 2)
		return 64;
	pid = fork();
	if (!pid) {
		if (!freopen("/dev/null", "w", stdout))
			_exit(1);
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid)
		return 1;
	printf("%d %ld\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1,
	       usage.ru_maxrss * 1024);
	return 0;
}
