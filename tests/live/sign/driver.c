/* SPDX-License-Identifier: MIT */
/*
 * For scripts: what the live patcher does with files before it touches a process.
 *
 *   driver open|force|root FILE    prints the file, if it is trusted
 *   driver directory DIR           is it?
 *   driver policy FILE             reads a policy
 *   driver apply POLICY FILE.rpp   is it signed as the policy requires?
 *   driver race GOOD EVIL NAME     NAME is now one, now the other; EVIL is never
 *                                  to be opened
 */
#define _GNU_SOURCE
#include "../../../tools/patch/keyring.h"
#include "../../../tools/tool.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct rp_diag diag;

static int finish(const char *path, int rc)
{
	if (rc)
		rp_error(path, &diag);
	return rc ? 1 : 0;
}

static int open_as(const char *how, const char *path, int *fd)
{
	if (!strcmp(how, "root"))
		return rp_trusted_open(path, RP_TRUST_ROOT, S_IFREG, fd, &diag);
	if (!strcmp(how, "directory"))
		return rp_trusted_open(path, RP_TRUST_USER, S_IFDIR, fd, &diag);
	return rp_trusted_file_open(path, !strcmp(how, "force"), fd, &diag);
}

static int show(const char *how, const char *path)
{
	uint8_t *bytes;
	size_t size;
	int fd;

	int rc = open_as(how, path, &fd);
	if (rc || !strcmp(how, "directory"))
		return finish(path, rc);
	rc = rp_descriptor_read(fd, 1 << 20, &bytes, &size, &diag);
	close(fd);
	if (!rc) {
		fwrite(bytes, 1, size, stdout);
		free(bytes);
	}
	return finish(path, rc);
}

static int policy(const char *path)
{
	struct rp_policy p;

	int rc = rp_policy_read(&p, path, &diag);
	if (!rc)
		printf("%zu %zu\n", p.require_signature.n, p.deny.n);
	rp_policy_free(&p);
	return finish(path, rc);
}

static int apply(const char *policy_path, const char *path)
{
	struct rp_signed_payload payload = { .path = path };
	uint8_t *image = NULL;
	struct rp_policy p;
	int fd;

	int rc = rp_policy_read(&p, policy_path, &diag);
	if (!rc)
		rc = rp_trusted_file_open(path, true, &fd, &diag);
	if (!rc) {
		rc = rp_descriptor_read(fd, 1 << 20, &image, &payload.size,
					&diag);
		close(fd);
	}
	payload.image = image;
	if (!rc)
		rc = rp_policy_check_signature(&p, &payload, &diag);
	rp_policy_free(&p);
	free(image);
	return finish(path, rc);
}

static atomic_bool stop;

static void *swap(void *names)
{
	char **v = names;

	while (!stop) {
		renameat2(AT_FDCWD, v[0], AT_FDCWD, v[2], RENAME_EXCHANGE);
		renameat2(AT_FDCWD, v[1], AT_FDCWD, v[2], RENAME_EXCHANGE);
	}
	return NULL;
}

static int race(char **names)
{
	unsigned int opened = 0, evil = 0;
	pthread_t thread;
	struct stat st;
	int fd;

	if (pthread_create(&thread, NULL, swap, names))
		return 1;
	for (unsigned int i = 0; i < 20000; i++) {
		if (rp_trusted_file_open(names[2], false, &fd, &diag))
			continue;
		opened++;
		// The other one is of another owner.
		if (fstat(fd, &st) || st.st_uid != geteuid())
			evil++;
		close(fd);
	}
	stop = true;
	pthread_join(thread, NULL);
	printf("%u opened, %u of them evil\n", opened, evil);
	return !opened || evil;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "policy"))
		return policy(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "apply"))
		return apply(argv[2], argv[3]);
	if (argc == 5 && !strcmp(argv[1], "race"))
		return race(argv + 2);
	return argc == 3 ? show(argv[1], argv[2]) : 64;
}
