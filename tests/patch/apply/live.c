/* SPDX-License-Identifier: MIT */
/*
 * The interface of apply.h by `repoint patch apply` and `revert`, which act on
 * the process from outside: the same scripts test the real thing.
 */
#define _GNU_SOURCE
#include "../../../payload/payload.h"

#include <errno.h>
#include <fcntl.h>
#include <repoint/livepatch_apply.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define API	__attribute__((visibility("default")))
#define MOST	64

API int rp_test_apply(const char *path);
API int rp_test_revert(void);
API const char *rp_test_error(void);

static char error[RP_LIVEPATCH_MESSAGE_SIZE];
static char names[MOST][128];
static int applied;

static struct rp_livepatch_options options;

static const struct rp_livepatch_options *how(void)
{
	options.tool = getenv("RP_LIVE_TOOL");
	return &options;
}

/* The tool is not to be preloaded; what the program starts is. */
static char *hide_preload(void)
{
	char *was = getenv("LD_PRELOAD");

	was = was ? strdup(was) : NULL;
	unsetenv("LD_PRELOAD");
	return was;
}

static void show_preload(char *was)
{
	if (was)
		setenv("LD_PRELOAD", was, 1);
	free(was);
}

API const char *rp_test_error(void)
{
	return error;
}

/* What the scripts expect of either: the tool says more. */
static void simplify(void)
{
	char *start = strstr(error, "error: ");
	char *end = strstr(error, " does not have the value");

	error[strcspn(error, "\n")] = 0;
	if (start && end > start) {
		memmove(error, start + 7, end - start - 7);
		strcpy(error + (end - start - 7), " has another value");
	}
	start = strstr(error, " hook ");
	end = strstr(error, " of ");
	if (strstr(error, " vetoed: ") && start && end > start) {
		memmove(error, start + 6, end - start - 6);
		strcpy(error + (end - start - 6), ": vetoed");
	}
}

/* Revert goes by the name that is in the payload. */
static int name_of(const char *path, char *ret, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct rp_payload payload;
	struct rp_diag diag;
	struct stat st;
	void *image;
	int rc = -EINVAL;

	if (fd < 0 || fstat(fd, &st))
		return -errno;
	image = malloc(st.st_size + 1);
	if (image && read(fd, image, st.st_size) == st.st_size) {
		rc = rp_payload_open(&payload, image, st.st_size, &diag);
		if (!rc)
			snprintf(ret, size, "%s", rp_payload_string(&payload,
				 payload.header.name));
		rp_payload_close(&payload);
	}
	free(image);
	close(fd);
	return rc;
}

API int rp_test_apply(const char *path)
{
	char *preload;
	int rc;

	if (applied == MOST || name_of(path, names[applied],
				       sizeof(names[0]))) {
		snprintf(error, sizeof(error), "%s cannot be read", path);
		return -EINVAL;
	}
	preload = hide_preload();
	rc = rp_livepatch_apply(path, how(), error, sizeof(error));
	show_preload(preload);
	simplify();
	applied += !rc;
	return rc;
}

API int rp_test_revert(void)
{
	char *preload;
	int rc;

	if (!applied)
		return -ENOENT;
	preload = hide_preload();
	rc = rp_livepatch_revert(names[applied - 1], how(), error,
				 sizeof(error));
	show_preload(preload);
	simplify();
	applied -= !rc;
	return rc;
}

__attribute__((constructor)) static void apply_at_start(void)
{
	const char *list = getenv("RP_TEST_APPLY");
	char *copy = list ? strdup(list) : NULL;
	char *rest = NULL;

	for (char *path = copy ? strtok_r(copy, ":", &rest) : NULL; path;
	     path = strtok_r(NULL, ":", &rest)) {
		if (rp_test_apply(path) && !strstr(error, "RP0805")) {
			fprintf(stderr, "not applied: %s\n", error);
			_exit(99);
		}
	}
	free(copy);
}
