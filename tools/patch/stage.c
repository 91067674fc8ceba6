/* SPDX-License-Identifier: MIT */
/* The stage directory of a run, and the mark in the source directory. */
#define _GNU_SOURCE
#include "stage.h"
#include "files.h"
#include "intercept.h"
#include "../tool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Is the variable RP_PATCH_SIDE of the process below @dir? */
static bool belongs(const char *pid, const char *dir)
{
	char *path = rp_format("/proc/%s/environ", pid);
	char *line = NULL, *want = rp_format(RP_INTERCEPT_SIDE "=%s/", dir);
	FILE *in = fopen(path, "re");
	bool found = false;
	size_t size = 0;

	while (in && !found && getdelim(&line, &size, '\0', in) > 0)
		found = rp_has_prefix(line, want);
	if (in)
		fclose(in);
	free(line);
	free(want);
	free(path);
	return found;
}

static bool end_once(const char *dir)
{
	DIR *proc = opendir("/proc");
	struct dirent *e;
	bool found = false;

	while (proc && (e = readdir(proc))) {
		pid_t pid = atoi(e->d_name);

		if (pid <= 1 || pid == getpid() || !belongs(e->d_name, dir))
			continue;
		found |= !kill(pid, SIGKILL);
	}
	if (proc)
		closedir(proc);
	return found;
}

// Again and again: one of them may just have started another.
void rp_stage_end_all(const char *dir)
{
	for (int i = 0; i < 100 && end_once(dir); i++)
		usleep(10000);
}

static int set_time(const struct rp_stage *stage)
{
	const struct timespec times[] = {
		{ .tv_nsec = UTIME_OMIT }, stage->time
	};

	return utimensat(AT_FDCWD, stage->source, times, 0);
}

static int undo(struct rp_stage *stage, const char *dir, struct rp_diag *diag)
{
	struct rp_tree_counts counts = { 0 };
	struct rp_diag note;
	int rc = 0;

	rp_stage_end_all(dir);
	if (rp_tree_is_saved(dir))
		rc = rp_tree_restore(dir, &counts, diag);
	if (rc)
		return rc;
	rp_file_remove_tree(dir);
	rp_diag_set(&note, RP_DIAG_BUILD_STALE, NULL, "an earlier run was "
		    "killed; undone: %zu files put back, %zu removed",
		    counts.restored, counts.removed);
	rp_message(stage->source, "note", &note);
	return 0;
}

// What an earlier run has written into the mark; NULL if nothing.
static char *read_mark(int fd)
{
	char text[4096];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return NULL;
	text[n] = '\0';
	// Its time of the source directory is on the second line.
	char *end = strchr(text, '\n');
	return end ? rp_format("%s", text) : NULL;
}

static unsigned long long inode_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? 0 : st.st_ino;
}

/*
 * A mark might have come with the source, and lead anywhere: the directory has
 * to know the mark by its inode.
 */
static bool is_ours(const struct rp_stage *stage, const char *dir)
{
	char *path = rp_format("%s/mark", dir);
	FILE *in = fopen(path, "re");
	unsigned long long ino = 0;
	bool ours = in && fscanf(in, "%llu", &ino) == 1 && ino &&
		    ino == inode_of(stage->lock);

	if (in)
		fclose(in);
	free(path);
	return ours;
}

static int undo_mark(struct rp_stage *stage, char *mark, bool *undone,
		     struct rp_diag *diag)
{
	char *dir = mark, *end = strchr(mark, '\n');
	long long seconds;
	long nanoseconds;
	int rc;

	*end = '\0';
	if (sscanf(end + 1, "%lld.%ld", &seconds, &nanoseconds) == 2) {
		stage->time.tv_sec = seconds;
		stage->time.tv_nsec = nanoseconds;
	}
	if (!is_ours(stage, dir))
		return rp_diag_set(diag, RP_DIAG_BUILD_STALE, NULL,
			"a run was killed, and its copy of the tree (%s) is "
			"gone or another's; get the tree from elsewhere, then "
			"remove %s", dir, stage->mark);
	rc = undo(stage, dir, diag);
	*undone = !rc;
	return rc;
}

static int lock_mark(struct rp_stage *stage, struct rp_diag *diag)
{
	struct stat st;

	for (;;) {
		stage->lock = open(stage->mark, O_RDWR | O_CREAT | O_CLOEXEC |
				   O_NOFOLLOW, 0644);
		if (stage->lock < 0)
			return rp_file_error(diag, RP_DIAG_WRITE, stage->mark,
					     "cannot be made");
		if (flock(stage->lock, LOCK_EX | LOCK_NB)) {
			close(stage->lock);
			return rp_diag_set(diag, RP_DIAG_BUILD_STALE, NULL,
				"another repoint patch build is at work on "
				"this tree; wait for its end");
		}
		// Another run may have removed it between the two steps.
		if (!fstat(stage->lock, &st) && st.st_nlink)
			return 0;
		close(stage->lock);
	}
}

int rp_stage_lock(struct rp_stage *stage, const char *source, bool *undone,
		  struct rp_diag *diag)
{
	struct stat st;
	char *mark;
	int rc;

	memset(stage, 0, sizeof(*stage));
	stage->source = rp_format("%s", source);
	stage->mark = rp_format("%s/" RP_STAGE_MARK, source);
	*undone = false;
	if (stat(source, &st))
		return rp_file_error(diag, RP_DIAG_READ, source, "cannot be "
				     "used");
	stage->time = st.st_mtim;
	rc = lock_mark(stage, diag);
	if (rc)
		return rc;
	mark = read_mark(stage->lock);
	if (mark)
		rc = undo_mark(stage, mark, undone, diag);
	free(mark);
	// The mark of a run that could not be undone stays.
	if (rc)
		close(stage->lock);
	else
		set_time(stage);
	return rc;
}

static char *make_dir(const char *dir)
{
	const char *in = getenv("TMPDIR");
	char *path;

	if (dir)
		return mkdir(dir, 0777) && errno != EEXIST ? NULL :
			realpath(dir, NULL);
	if (!in || !*in)
		in = access("/var/tmp", W_OK) ? "/tmp" : "/var/tmp";
	path = rp_format("%s/repoint-build-XXXXXX", in);
	if (mkdtemp(path))
		return realpath(path, NULL);
	return NULL;
}

static bool is_empty(const char *path)
{
	return !rmdir(path) && !mkdir(path, 0777);
}

static int write_mark(struct rp_stage *stage, struct rp_diag *diag)
{
	char *path = rp_format("%s/mark", stage->dir);
	FILE *out = fopen(path, "we");

	if (!out || fprintf(out, "%llu\n", inode_of(stage->lock)) < 0 ||
	    fclose(out))
		return rp_file_error(diag, RP_DIAG_WRITE, path,
				     "cannot be written");
	free(path);
	if (ftruncate(stage->lock, 0) ||
	    dprintf(stage->lock, "%s\n%lld.%ld\n", stage->dir,
		    (long long)stage->time.tv_sec, stage->time.tv_nsec) < 0)
		return rp_file_error(diag, RP_DIAG_WRITE, stage->mark,
				     "cannot be written");
	return 0;
}

int rp_stage_create(struct rp_stage *stage, const char *dir,
		    struct rp_diag *diag)
{
	static const char *const dirs[] = {
		"backup", "old", "new", "shims", "scratch", NULL
	};

	stage->dir = make_dir(dir);
	if (!stage->dir)
		return rp_file_error(diag, RP_DIAG_WRITE, dir ? dir : "$TMPDIR",
				     "no directory for the stages");
	if (dir && !is_empty(stage->dir))
		return rp_diag_set(diag, RP_DIAG_WRITE, stage->dir, "the stage "
				   "directory is not empty; name a new one");
	for (const char *const *name = dirs; *name; name++) {
		char *path = rp_format("%s/%s", stage->dir, *name);

		if (mkdir(path, 0777))
			return rp_file_error(diag, RP_DIAG_WRITE, path,
					     "cannot be made");
		free(path);
	}
	return write_mark(stage, diag);
}

void rp_stage_unlock(struct rp_stage *stage)
{
	if (stage->mark && stage->lock >= 0) {
		unlink(stage->mark);
		close(stage->lock);
		set_time(stage);
	}
	stage->lock = -1;
}
