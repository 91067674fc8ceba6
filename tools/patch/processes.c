/* SPDX-License-Identifier: MIT */
/* Which processes a command is about. */
#define _GNU_SOURCE
#include "processes.h"

#include "../../object/path.h"
#include "../../live/target.h"
#include "../../object/grow.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

struct wanted {
	enum rp_which which;
	const char *what;
	const char *real;	/* of a path; NULL if it leads nowhere */
	struct stat st;		/* likewise */
};

static int add(struct rp_processes *p, pid_t pid)
{
	if (rp_grow(&p->v, &p->capacity, p->n + 1, sizeof(*p->v)))
		return -ENOMEM;
	p->v[p->n++] = pid;
	return 0;
}

/* What follows the name of a file that was removed. */
static void cut_deleted(char *path)
{
	static const char suffix[] = " (deleted)";
	size_t n = strlen(path), k = sizeof(suffix) - 1;

	if (n > k && !strcmp(path + n - k, suffix))
		path[n - k] = 0;
}

static bool has_name(const struct rp_target *t, const char *name)
{
	char path[PATH_MAX];
	char *comm = rp_target_file(t, "comm", NULL);
	bool same;
	ssize_t n;

	if (comm)
		comm[strcspn(comm, "\n")] = 0;
	same = comm && !strcmp(comm, name);
	free(comm);
	n = readlinkat(t->proc, "exe", path, sizeof(path) - 1);
	if (same || n <= 0)
		return same;
	path[n] = 0;
	cut_deleted(path);
	return !strcmp(rp_base_name(path), name);
}

/* "libexpat.so.1" is "libexpat.so.1.8.10" as well. */
static bool is_version_of(const char *file, const char *name)
{
	size_t n = strlen(name);

	if (strncmp(file, name, n))
		return false;
	return !file[n] || (file[n] == '.' &&
			    strspn(file + n, ".0123456789") == strlen(file + n));
}

static bool is_wanted(const struct wanted *w, const struct rp_map *map)
{
	char path[PATH_MAX];

	if (!map->inode || !(map->access & 4))
		return false;
	snprintf(path, sizeof(path), "%s", map->name);
	cut_deleted(path);
	if (!strchr(w->what, '/'))
		return is_version_of(rp_base_name(path), w->what);
	if (w->real && map->inode == w->st.st_ino &&
	    map->device >> 32 == major(w->st.st_dev) &&
	    (map->device & UINT32_MAX) == minor(w->st.st_dev))
		return true;
	return !strcmp(path, w->what) || (w->real && !strcmp(path, w->real));
}

static bool uses(const struct rp_target *t, const struct wanted *w)
{
	struct rp_maps maps;
	bool found = false;

	if (rp_maps_read(&maps, t))
		return false;
	for (size_t i = 0; i < maps.n && !found; i++)
		found = is_wanted(w, &maps.v[i]);
	rp_maps_free(&maps);
	return found;
}

static bool fits(pid_t pid, const struct wanted *w)
{
	struct rp_target t = { .pid = pid, .mem = -1 };
	char path[32];
	bool ret;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	t.proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t.proc < 0)
		return false;
	ret = w->which == RP_WHICH_ALL ||
	      (w->which == RP_WHICH_NAME ? has_name(&t, w->what) : uses(&t, w));
	close(t.proc);
	return ret;
}

static int look_at_all(struct rp_processes *p, const struct wanted *w)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;
	int ret = 0;

	while (dir && !ret && (e = readdir(dir))) {
		pid_t pid = strtol(e->d_name, NULL, 10);

		if (pid > 0 && pid != getpid() && fits(pid, w))
			ret = add(p, pid);
	}
	if (dir)
		closedir(dir);
	return ret;
}

static int one(struct rp_processes *p, const char *what, struct rp_diag *diag)
{
	char *end;
	long pid;

	errno = 0;
	pid = strtol(what, &end, 10);
	if (*what && isdigit((unsigned char)*what) && !*end && !errno &&
	    pid > 0 && pid <= INT_MAX)
		return add(p, pid) ? rp_diag_nomem(diag) : 0;
	return rp_diag_set(diag, RP_DIAG_LIVE_PROCESS, NULL,
		"%s is not the number of a process; for a name: --name %s",
		what, what);
}

static int by_number(const void *a, const void *b)
{
	const pid_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

int rp_processes_find(struct rp_processes *p, enum rp_which which,
		      const char *what, struct rp_diag *diag)
{
	struct wanted w = { .which = which, .what = what };
	char *real;
	int ret;

	*p = (struct rp_processes){ 0 };
	if (which == RP_WHICH_PID)
		return one(p, what, diag);
	real = which == RP_WHICH_USING && strchr(what, '/') ?
	       realpath(what, NULL) : NULL;
	if (real && !stat(real, &w.st))
		w.real = real;
	ret = look_at_all(p, &w);
	free(real);
	if (ret)
		return rp_diag_nomem(diag);
	if (p->n)
		qsort(p->v, p->n, sizeof(*p->v), by_number);
	if (p->n || which == RP_WHICH_ALL)
		return 0;
	return rp_diag_set(diag, RP_DIAG_LIVE_PROCESS, NULL, which ==
		RP_WHICH_NAME ? "no process is called %s" :
		"no process that may be looked at has loaded %s", what);
}

void rp_processes_free(struct rp_processes *p)
{
	free(p->v);
	*p = (struct rp_processes){ 0 };
}
