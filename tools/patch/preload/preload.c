/* SPDX-License-Identifier: MIT */
/*
 * In every program of a build: where it starts a compiler, start
 * `repoint patch build --compile` instead (see ../intercept.h).
 *
 * The functions here are called between vfork() and exec() too: no allocation,
 * no locks; arrays that grow with the command line are on the stack.
 */
#define _GNU_SOURCE
#include <alloca.h>
#include <dlfcn.h>
#include <limits.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

#define EXPORT	__attribute__((visibility("default")))

/* Variables that must reach all programs of the build, as NAME=VALUE. */
static const char *const carried_names[] = {
	"RP_PATCH_SIDE", "RP_PATCH_SOURCE", "RP_PATCH_TOOL",
	"RP_PATCH_COMPILERS", "RP_PATCH_PRELOAD",
};

#define CARRIED_NR	(sizeof(carried_names) / sizeof(*carried_names))

static char carried[CARRIED_NR][PATH_MAX + 32];
static const char *tool, *compilers, *preload;
static bool active;

static const char *value_of(const char *variable)
{
	return strchr(variable, '=') + 1;
}

// Programs clear and change their environment, so it is copied at once.
__attribute__((constructor)) static void start(void)
{
	if (getenv("RP_PATCH_INSIDE"))
		return;
	for (size_t i = 0; i < CARRIED_NR; i++) {
		const char *value = getenv(carried_names[i]);

		if (!value || snprintf(carried[i], sizeof(carried[i]), "%s=%s",
				       carried_names[i], value) >=
			      (int)sizeof(carried[i]))
			return;
	}
	tool = value_of(carried[2]);
	compilers = value_of(carried[3]);
	preload = value_of(carried[4]);
	active = true;
}

/* Names of compilers; what stands before a dash (a triple) and versions
 * behind one are not part of them. */
static const char *const names[] = {
	"cc", "c++", "gcc", "g++", "clang", "clang++", "c89", "c99",
};

static const char *const launchers[] = {
	"buildcache", "ccache", "distcc", "gomacc", "icecc", "sccache",
};

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static size_t without_version(const char *name)
{
	const char *dash = strrchr(name, '-');

	if (dash && dash[1] && strspn(dash + 1, "0123456789.") == strlen(dash + 1))
		return dash - name;
	return strlen(name);
}

static bool is_known(const char *name)
{
	size_t length = without_version(name);

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t n = strlen(names[i]);

		if (length < n || memcmp(name + length - n, names[i], n))
			continue;
		if (length == n || name[length - n - 1] == '-')
			return true;
	}
	return false;
}

static bool is_listed(const char *name, const char *list)
{
	size_t length = strlen(name);

	while (*list) {
		size_t n = strcspn(list, ":");

		if (n == length && !memcmp(name, list, n))
			return true;
		list += n + (list[n] == ':');
	}
	return false;
}

static bool is_compiler(const char *path)
{
	const char *name = base_of(path);

	return is_known(name) || is_listed(name, compilers);
}

static bool is_launcher(const char *path)
{
	const char *name = base_of(path);

	for (size_t i = 0; i < sizeof(launchers) / sizeof(*launchers); i++) {
		if (!strcmp(name, launchers[i]))
			return true;
	}
	return false;
}

// A launcher without a compiler (ccache -s) does something else.
static bool is_caught(const char *path, char *const *argv)
{
	if (!active || !path || !argv || !argv[0])
		return false;
	if (is_compiler(path))
		return true;
	// Its tables have to be in the objects that are kept.
	if (!strcmp(base_of(path), "repoint"))
		return argv[1] && !strcmp(argv[1], "cc");
	if (!is_launcher(path))
		return false;
	for (argv++; *argv && is_launcher(*argv); argv++)
		;
	return *argv && is_compiler(*argv);
}

static size_t count(char *const *list)
{
	size_t n = 0;

	while (list && list[n])
		n++;
	return n;
}

static bool names_variable(const char *variable, const char *name)
{
	size_t n = strlen(name);

	return !strncmp(variable, name, n) && variable[n] == '=';
}

static const char *find_variable(char *const *env, const char *name)
{
	for (; env && *env; env++) {
		if (names_variable(*env, name))
			return *env;
	}
	return NULL;
}

#define ENV_EXTRA	(CARRIED_NR + 3)

// LD_PRELOAD without us (@ret has room for all of it).
static void leave_us_out(char *ret, const char *list)
{
	size_t ours = strlen(preload);

	ret += sprintf(ret, "LD_PRELOAD=");
	while (*list) {
		size_t n = strcspn(list, ": ");

		if (n != ours || memcmp(list, preload, n))
			ret += sprintf(ret, "%.*s:", (int)n, list);
		list += n + (list[n] != '\0');
	}
}

/*
 * @ret: the environment @env with what we need in it: a build may start
 * programs with an empty one, or load other shared objects into them.
 * @joined: room for LD_PRELOAD
 * @inside: for the wrapper, into which we are not loaded
 */
static void fill_env(char **ret, char *const *env, char *joined, bool inside)
{
	static char inside_variable[] = "RP_PATCH_INSIDE=1";
	const char *old = find_variable(env, "LD_PRELOAD");
	const char *list = old ? value_of(old) : "";
	size_t n = 0;

	for (; env && *env; env++) {
		if (*env != old)
			ret[n++] = *env;
	}
	for (size_t i = 0; i < CARRIED_NR; i++) {
		if (!find_variable(ret, carried_names[i]))
			ret[n++] = carried[i];
	}
	if (inside)
		ret[n++] = inside_variable;
	if (inside)
		leave_us_out(joined, list);
	else if (strstr(list, preload))
		sprintf(joined, "LD_PRELOAD=%s", list);
	else
		sprintf(joined, "LD_PRELOAD=%s%s%s", preload,
			*list ? ":" : "", list);
	if (joined[sizeof("LD_PRELOAD=") - 1])
		ret[n++] = joined;
}

static size_t joined_size(char *const *env)
{
	const char *old = find_variable(env, "LD_PRELOAD");

	return strlen(preload) + (old ? strlen(old) : 0) + 32;
}

// On the caller's stack, so a macro and no function.
#define WITH_ENV(ret, env, inside)					\
	char **ret = (char **)(env);					\
	if (active) {							\
		size_t rp_size = (count(env) + ENV_EXTRA + 1) *		\
				 sizeof(*ret);				\
									\
		ret = memset(alloca(rp_size), 0, rp_size);		\
		fill_env(ret, env, alloca(joined_size(env)), inside);	\
	}

static const char *const wrapper[] = {
	"repoint", "patch", "build", "--compile"
};

#define WRAPPER_NR	(sizeof(wrapper) / sizeof(*wrapper))

static void fill_words(const char **ret, const char *path, char *const *argv)
{
	memcpy(ret, wrapper, sizeof(wrapper));
	ret += WRAPPER_NR;
	*ret++ = path;
	for (argv++; *argv; argv++)
		*ret++ = *argv;
	*ret = NULL;
}

#define WITH_WORDS(ret, path, argv)					\
	const char **ret = alloca((count(argv) + WRAPPER_NR + 2) *	\
				  sizeof(*ret));			\
	fill_words(ret, path, argv)

// The caller's PATH counts, not that of the program to be started.
static const char *in_path(const char *file, char *ret)
{
	const char *path = getenv("PATH");

	if (strchr(file, '/'))
		return file;
	if (!path)
		path = "/bin:/usr/bin";
	for (;;) {
		size_t n = strcspn(path, ":");

		// An empty one is the working directory.
		if (snprintf(ret, PATH_MAX, "%.*s%s%s", (int)n, path,
			     n ? "/" : "./", file) < PATH_MAX &&
		    !access(ret, X_OK))
			return ret;
		if (!path[n])
			return NULL;
		path += n + 1;
	}
}

typedef int execve_fn(const char *path, char *const argv[], char *const envp[]);
typedef int fexecve_fn(int fd, char *const argv[], char *const envp[]);
typedef int spawn_fn(pid_t *pid, const char *path,
		     const posix_spawn_file_actions_t *actions,
		     const posix_spawnattr_t *attr, char *const argv[],
		     char *const envp[]);

#define NEXT(type, name)	((type *)dlsym(RTLD_NEXT, name))

static int start_execve(const char *name, const char *path, char *const argv[],
			char *const envp[])
{
	bool caught = is_caught(path, argv);
	WITH_ENV(env, envp, caught);

	if (!caught)
		return NEXT(execve_fn, name)(path, argv, env);
	WITH_WORDS(words, path, argv);
	return NEXT(execve_fn, "execve")(tool, (char *const *)words, env);
}

EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
	return start_execve("execve", path, argv, envp);
}

EXPORT int execv(const char *path, char *const argv[])
{
	return start_execve("execve", path, argv, environ);
}

EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
	char room[PATH_MAX];
	const char *path = file;

	if (is_caught(file, argv))
		path = in_path(file, room);
	return start_execve("execvpe", path ? path : file, argv, envp);
}

EXPORT int execvp(const char *file, char *const argv[])
{
	return execvpe(file, argv, environ);
}

EXPORT int fexecve(int fd, char *const argv[], char *const envp[])
{
	char link[32], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	if (n > 0 && is_caught(path, argv))
		return start_execve("execve", path, argv, envp);
	WITH_ENV(env, envp, false);
	return NEXT(fexecve_fn, "fexecve")(fd, argv, env);
}

// The words of execl() and its kin, counted first.
#define COLLECT(list, argv, first, last)				\
	char **argv;							\
	size_t rp_argc = 1;						\
	va_start(list, first);						\
	while (va_arg(list, char *))					\
		rp_argc++;						\
	va_end(list);							\
	argv = alloca((rp_argc + 1) * sizeof(*argv));			\
	argv[0] = (char *)(first);					\
	va_start(list, first);						\
	for (size_t rp_i = 1; rp_i <= rp_argc; rp_i++)			\
		argv[rp_i] = va_arg(list, char *);			\
	last;								\
	va_end(list)

EXPORT int execl(const char *path, const char *arg, ...)
{
	va_list list;
	COLLECT(list, argv, arg, (void)0);

	return execv(path, argv);
}

EXPORT int execlp(const char *file, const char *arg, ...)
{
	va_list list;
	COLLECT(list, argv, arg, (void)0);

	return execvp(file, argv);
}

EXPORT int execle(const char *path, const char *arg, ...)
{
	char *const *envp;
	va_list list;
	COLLECT(list, argv, arg, envp = va_arg(list, char *const *));

	return execve(path, argv, envp);
}

EXPORT int posix_spawn(pid_t *pid, const char *path,
		       const posix_spawn_file_actions_t *actions,
		       const posix_spawnattr_t *attr, char *const argv[],
		       char *const envp[])
{
	spawn_fn *next = NEXT(spawn_fn, "posix_spawn");
	bool caught = is_caught(path, argv);
	WITH_ENV(env, envp, caught);

	if (!caught)
		return next(pid, path, actions, attr, argv, env);
	WITH_WORDS(words, path, argv);
	return next(pid, tool, actions, attr, (char *const *)words, env);
}

EXPORT int posix_spawnp(pid_t *pid, const char *file,
			const posix_spawn_file_actions_t *actions,
			const posix_spawnattr_t *attr, char *const argv[],
			char *const envp[])
{
	char room[PATH_MAX];
	const char *path;

	if (is_caught(file, argv) && (path = in_path(file, room)))
		return posix_spawn(pid, path, actions, attr, argv, envp);
	WITH_ENV(env, envp, false);
	return NEXT(spawn_fn, "posix_spawnp")(pid, file, actions, attr, argv,
					      env);
}
