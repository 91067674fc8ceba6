// SPDX-License-Identifier: MIT
/*
 * Prints the stacks of another process's threads, by table. Each thread is
 * stopped while its stack is read.
 *
 *   process PID DIRECTORY  of tables: `repoint object orc --from-eh-frame
 *                          -o DIRECTORY PROGRAM LIBRARY...`
 *
 * A line is a file and an address in it, as addr2line(1) takes it.
 * docs/unwind.md explains it.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <repoint/unwind.h>

#define PAGE		4096ull
#define HEADERS_MAX	32
#define NOTES_MAX	1024
#define ID_MAX		64
#define CODE_MAX	256

/* struct code - a mapping of a file's code. */
struct code {
	uint64_t start, end;
	uint64_t offset;	/* of @start, in the file */
	uint64_t bias;		/* address in the process minus that in the file */
	char file[PATH_MAX];
};

/* struct binary - what is needed of an ELF file. */
struct binary {
	Elf64_Phdr headers[HEADERS_MAX];
	size_t nr;
	unsigned char id[ID_MAX];
	size_t id_size;
};

static struct code code[CODE_MAX];
static size_t code_nr;
static struct rp_unwind_module modules[CODE_MAX];
static struct rp_unwind_space space = { sizeof(space), modules, 0, CODE_MAX };

/* ---- the file: segments and build ID ---- */

static void find_id(struct binary *binary, const unsigned char *notes,
		    size_t size, size_t align)
{
	size_t at = 0, pad = align == 8 ? 7 : 3;
	Elf64_Nhdr note;

	while (size - at >= sizeof(note)) {
		memcpy(&note, notes + at, sizeof(note));
		size_t name = at + sizeof(note);
		size_t id = name + ((note.n_namesz + pad) & ~pad);

		if (note.n_namesz > NOTES_MAX || note.n_descsz > NOTES_MAX ||
		    id > size || note.n_descsz > size - id)
			return;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
		    !memcmp(notes + name, "GNU", 4) && note.n_descsz <= ID_MAX) {
			memcpy(binary->id, notes + id, note.n_descsz);
			binary->id_size = note.n_descsz;
			return;
		}
		at = id + ((note.n_descsz + pad) & ~pad);
		if (at > size)
			return;
	}
}

static void find_notes(struct binary *binary, int fd)
{
	unsigned char notes[NOTES_MAX];

	for (size_t i = 0; i < binary->nr && !binary->id_size; i++) {
		const Elf64_Phdr *p = &binary->headers[i];
		size_t size = p->p_filesz < NOTES_MAX ? p->p_filesz : NOTES_MAX;

		if (p->p_type == PT_NOTE && pread(fd, notes, size,
				(off_t)p->p_offset) == (ssize_t)size)
			find_id(binary, notes, size, p->p_align);
	}
}

static bool read_headers(struct binary *binary, int fd)
{
	Elf64_Ehdr header;
	ssize_t size;

	memset(binary, 0, sizeof(*binary));
	if (pread(fd, &header, sizeof(header), 0) != sizeof(header) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) ||
	    header.e_phentsize != sizeof(Elf64_Phdr) ||
	    header.e_phnum > HEADERS_MAX)
		return false;
	binary->nr = header.e_phnum;
	size = (ssize_t)(binary->nr * sizeof(Elf64_Phdr));
	return pread(fd, binary->headers, (size_t)size,
		     (off_t)header.e_phoff) == size;
}

/* One that was replaced is called "... (deleted)": it cannot be opened. */
static bool read_binary(struct binary *binary, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool good = fd >= 0 && read_headers(binary, fd);

	if (good)
		find_notes(binary, fd);
	if (fd >= 0)
		close(fd);
	return good;
}

/*
 * A mapping may begin anywhere in its segment: what mprotect() splits has
 * several. The file offset says which address of the file is at @start.
 */
static bool find_bias(struct code *c, const struct binary *binary)
{
	for (size_t i = 0; i < binary->nr; i++) {
		const Elf64_Phdr *p = &binary->headers[i];
		uint64_t first = p->p_offset & ~(PAGE - 1);

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X) ||
		    c->offset < first || c->offset >= p->p_offset + p->p_filesz)
			continue;
		c->bias = c->start - c->offset + p->p_offset - p->p_vaddr;
		return true;
	}
	return false;
}

/* ---- the process: its code, and tables of it ---- */

static struct rp_unwind_table *open_table(const struct binary *binary,
					  const char *directory)
{
	struct rp_unwind_table *table;
	char path[PATH_MAX];
	const void *id;
	size_t size;
	int n = snprintf(path, sizeof(path), "%s/", directory);

	if (!binary->id_size ||
	    n + 2 * binary->id_size + sizeof(".orc") > sizeof(path))
		return NULL;
	for (size_t i = 0; i < binary->id_size; i++)
		n += sprintf(path + n, "%02x", binary->id[i]);
	strcpy(path + n, ".orc");
	n = rp_unwind_table_open(path, &table);
	if (n < 0) {
		fprintf(stderr, "process: %s: %s\n", path, strerror(-n));
		return NULL;
	}
	id = rp_unwind_table_build_id(table, &size);
	if (id && size == binary->id_size && !memcmp(id, binary->id, size))
		return table;
	rp_unwind_table_close(table);
	return NULL;
}

static void add_code(struct code *c, const char *directory)
{
	struct rp_unwind_module module = { .owned = 1 };
	struct rp_unwind_table *table;
	struct binary binary;

	if (!read_binary(&binary, c->file) || !find_bias(c, &binary))
		return;
	code_nr++;
	table = open_table(&binary, directory);
	if (!table)
		return;
	module.table = table;
	module.start = c->start;
	module.end = c->end;
	module.bias = c->bias;
	if (rp_unwind_space_add(&space, &module))
		rp_unwind_table_close(table);
}

/* 563b4c8e7000-563b4c8e8000 r-xp 00001000 fe:01 1842 /usr/bin/server */
static bool read_maps(int pid, const char *directory)
{
	unsigned long long start, end, offset;
	char path[32], flags[5], *line = NULL;
	size_t room = 0;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	if (!maps)
		return false;
	while (code_nr < CODE_MAX && getline(&line, &room, maps) > 0) {
		struct code *c = &code[code_nr];
		int at = 0;

		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%llx-%llx %4s %llx %*s %*s %n", &start, &end,
			   flags, &offset, &at) < 4 || flags[2] != 'x' ||
		    line[at] != '/')
			continue;
		c->start = start;
		c->end = end;
		c->offset = offset;
		snprintf(c->file, sizeof(c->file), "%s", line + at);
		add_code(c, directory);
	}
	free(line);
	fclose(maps);
	return true;
}

/* ---- stacks ---- */

static void print_frame(const struct rp_unwind_frame *frame)
{
	for (size_t i = 0; i < code_nr; i++)
		if (frame->ip >= code[i].start && frame->ip < code[i].end) {
			printf("  %s+%#llx%s\n", code[i].file,
			       (unsigned long long)(frame->ip - code[i].bias),
			       frame->flags & RP_UNWIND_EXACT ? " exact" : "");
			return;
		}
	printf("  %#llx\n", (unsigned long long)frame->ip);
}

static void print_stack(int pid, const struct user_regs_struct *regs)
{
	struct rp_unwind_process process = { .pid = pid };
	struct rp_unwind_memory memory = { sizeof(memory), 0, 0, NULL,
					   rp_unwind_read_process, &process };
	struct rp_unwind_frame frame;
	int rc;

	rp_unwind_from_user_regs(&frame, regs);
	do {
		print_frame(&frame);
		rc = rp_unwind_step(&space, &memory, &frame);
	} while (rc == 1);
	printf("  %s\n", rc ? strerror(-rc) : "the end");
}

/* A signal that stopped the thread before we did is passed on to it. */
static bool print_thread(int pid, int tid)
{
	struct user_regs_struct regs;
	bool good = false;
	int status;

	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) ||
	    ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) ||
	    waitpid(tid, &status, __WALL) != tid)
		return false;
	if (!WIFSTOPPED(status)) {
		errno = ESRCH;
		return false;
	}
	if (!ptrace(PTRACE_GETREGS, tid, NULL, &regs)) {
		printf("thread %d:\n", tid);
		print_stack(pid, &regs);
		good = true;
	}
	ptrace(PTRACE_DETACH, tid, NULL, status >> 16 == PTRACE_EVENT_STOP ?
			(long)0 : (long)WSTOPSIG(status));
	return good;
}

static int print_threads(int pid)
{
	struct dirent *entry;
	char path[32];
	int failed = 0;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	if (!tasks)
		return 1;
	while ((entry = readdir(tasks))) {
		int tid = atoi(entry->d_name);

		/* One that has ended in the meantime is none any more. */
		if (tid > 0 && !print_thread(pid, tid) && errno != ESRCH) {
			fprintf(stderr, "process: thread %d: %s\n", tid,
				strerror(errno));
			failed = 1;
		}
	}
	closedir(tasks);
	return failed;
}

int main(int argc, char **argv)
{
	int status, pid = argc == 3 ? atoi(argv[1]) : 0;

	if (pid <= 0) {
		fprintf(stderr, "usage: process PID DIRECTORY\n");
		return 64;
	}
	if (!read_maps(pid, argv[2])) {
		fprintf(stderr, "process: %d: %s\n", pid, strerror(errno));
		return 1;
	}
	status = print_threads(pid);
	rp_unwind_space_close(&space);
	return status;
}
