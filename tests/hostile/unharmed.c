// SPDX-License-Identifier: MIT
/* What must hold in a hostile environment, whatever an update returned. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "case.h"
#include "unharmed.h"


/*
 * Executable mappings of files, as the kernel lists them; neighbours are one
 * here, since Linux leaves a mapping split where it was writable once.
 */
static void read_text_maps(char *text, size_t size)
{
	int fd = openat(case_proc(), "self/maps", O_RDONLY | O_CLOEXEC);
	FILE *maps = fd < 0 ? NULL : fdopen(fd, "r");
	char line[512], file[256] = "", last_file[256] = "";
	unsigned long start, end, last_start = 0, last_end = 0;
	size_t used = 0;

	text[0] = '\0';
	while (maps && fgets(line, sizeof(line), maps)) {
		/* An emulator's own, of the code that it makes. */
		CHECKF(getenv("CASE_INNER") || !strstr(line, " rwx"),
		       "writable and executable: %s", line);
		if (sscanf(line, "%lx-%lx r-xp %*s %*s %*s %255s", &start, &end,
			   file) != 3)
			continue;
		if (start == last_end && !strcmp(file, last_file))
			used = (size_t)(strrchr(text, '\n') - text);
		else
			last_start = start;
		used += (size_t)snprintf(text + used, size - used,
					 "\n%lx-%lx %s", last_start, end, file);
		last_end = end;
		strcpy(last_file, file);
	}
	if (maps)
		fclose(maps);
}

static char maps_before[8192], maps_after[8192];

void note_maps(void)
{
	read_text_maps(maps_before, sizeof(maps_before));
}

void check_unharmed(void)
{
	CHECK(subject_consistent());
	CHECK(subject_moves());
	read_text_maps(maps_after, sizeof(maps_after));
	CHECKF(!*maps_before || !*maps_after ||
	       !strcmp(maps_before, maps_after),
	       "text mappings changed from%s\nto%s", maps_before, maps_after);
}

/* An update that returned @result did what that means; to the same is easy. */
void check_result(int result, int wanted, enum subject_func before,
			 enum subject_func after)
{
	CHECK_EQ(result, before == after ? 0 : wanted);
	CHECK_EQ(subject_func(), result ? before : after);
	check_unharmed();
}

void try_calls(int wanted, bool nulls)
{
	for (int i = 0; i < SUBJECT_FUNC_NR * 2; i++) {
		enum subject_func after =
			(enum subject_func)((i + 1) % SUBJECT_FUNC_NR);
		enum subject_func before = subject_func();

		if (after != SUBJECT_NULL || nulls)
			check_result(subject_set(after), wanted, before, after);
	}
}

void try_keys(int wanted)
{
	for (int i = 0; i < 4; i++) {
		bool before = subject_enabled();
		int result = subject_enable(!before);

		CHECK_EQ(result, wanted);
		CHECK_EQ(subject_enabled(), result ? before : !before);
		check_unharmed();
	}
}
