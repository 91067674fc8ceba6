/* SPDX-License-Identifier: MIT */
/*
 * A driver for fuzz targets without libFuzzer: mutates the given files at
 * random, a fixed number of times.
 *
 *   driver [-n ITERATIONS] [-s SEED] FILE...
 *   driver -s SEED -i ITERATION [-o FILE] FILE...
 *
 * Every iteration depends on the seed and its own number alone, so that
 * `-s SEED -i ITERATION` repeats one; -o writes its input. Without -n each file is run as it is.
 */
#include "target.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECONDS_EACH	10	/* a hang is a failure */
#define MAX_MUTATIONS	6

struct input {
	uint8_t *data;
	size_t size;
};

struct random {
	uint64_t state;
};

static uint64_t next(struct random *r)
{
	// splitmix64: any state will do, also a small number
	uint64_t z = r->state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static uint64_t below(struct random *r, uint64_t n)
{
	return n ? next(r) % n : 0;
}

static uint64_t interesting(struct random *r, size_t size)
{
	const uint64_t values[] = {
		0, 1, 2, 3, 4, 8, 24, 64, 0x7f, 0x80, 0xff, 0xff00, 0xfff1,
		0xffff, 0x7fffffff, 0x80000000, 0xffffffff, size, size - 1,
		size + 1, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX,
		UINT64_MAX - 7,
	};
	size_t n = sizeof(values) / sizeof(values[0]);

	return below(r, 4) ? values[below(r, n)] : next(r) >> below(r, 64);
}

/*
 * Where most of what is checked is: the ELF header and the section headers,
 * which assemblers put last.
 */
static size_t pick_place(struct random *r, const struct input *in)
{
	uint64_t shoff;

	switch (below(r, 4)) {
	case 0:
		return below(r, in->size < 64 ? in->size : 64);
	case 1:
		if (in->size < 64)
			return below(r, in->size);
		memcpy(&shoff, in->data + 40, sizeof(shoff));
		if (shoff < in->size)
			return shoff + below(r, in->size - shoff);
		return below(r, in->size);
	default:
		return below(r, in->size);
	}
}

static void mutate_once(struct random *r, struct input *in)
{
	static const size_t widths[] = { 1, 2, 4, 8 };
	size_t width = widths[below(r, 4)], at = pick_place(r, in);
	uint64_t value = interesting(r, in->size);

	if (in->size < 16)
		return;
	at -= at % width;
	if (at + width > in->size)
		at = in->size - width;
	switch (below(r, 8)) {
	case 0:
		in->data[at] ^= 1u << below(r, 8);
		break;
	case 1: {	// what is elsewhere in the file
		size_t from = below(r, in->size - width);

		memmove(in->data + at, in->data + from, width);
		break;
	}
	case 2:
		if (!below(r, 8))
			in->size = below(r, in->size);
		break;
	default:
		memcpy(in->data + at, &value, width);
	}
}

static const char *dump_to;	/* file for the input, before it is run */

static void dump(const struct input *in)
{
	FILE *out = fopen(dump_to, "wb");

	if (!out || fwrite(in->data, 1, in->size, out) != in->size ||
	    fclose(out)) {
		perror(dump_to);
		exit(1);
	}
}

static void run_once(const struct input *seeds, size_t n, uint64_t seed,
		     uint64_t iteration)
{
	struct random r = { seed * 0x100000001b3u + iteration };
	const struct input *from = &seeds[below(&r, n)];
	struct input in = { malloc(from->size + 1), from->size };

	if (!in.data)
		exit(1);
	memcpy(in.data, from->data, from->size);
	for (uint64_t m = 1 + below(&r, MAX_MUTATIONS); m; m--)
		mutate_once(&r, &in);
	if (dump_to)
		dump(&in);
	LLVMFuzzerTestOneInput(in.data, in.size);
	free(in.data);
}

static bool load(struct input *in, const char *path)
{
	FILE *f = fopen(path, "rb");
	long size;

	if (!f)
		return false;
	bool done = !fseek(f, 0, SEEK_END) && (size = ftell(f)) >= 0 &&
		    !fseek(f, 0, SEEK_SET) && (in->data = malloc(size + 1)) &&
		    fread(in->data, 1, size, f) == (size_t)size;
	if (done)
		in->size = size;
	fclose(f);
	return done;
}

static int usage(void)
{
	fprintf(stderr, "usage: driver [-n ITERATIONS] [-s SEED] "
		"[-i ITERATION [-o FILE]] FILE...\n");
	return 64;
}

static volatile uint64_t current_seed, current_iteration;

// What to pass to -s and -i, when an iteration aborts or hangs.
static void report(int sig)
{
	fprintf(stderr, "%s: -s %llu -i %llu\n",
		sig == SIGALRM ? "hangs" : "aborts",
		(unsigned long long)current_seed,
		(unsigned long long)current_iteration);
	_exit(1);
}

static void run(const struct input *seeds, size_t n, uint64_t seed,
		uint64_t first, uint64_t end)
{
	current_seed = seed;
	signal(SIGABRT, report);
	signal(SIGALRM, report);
	signal(SIGSEGV, report);
	signal(SIGBUS, report);
	for (uint64_t i = first; i < end; i++) {
		current_iteration = i;
		alarm(SECONDS_EACH);
		run_once(seeds, n, seed, i);
	}
}

int main(int argc, char **argv)
{
	uint64_t iterations = 0, seed = 1, only = 0;
	bool repeat = false;
	int c;

	while ((c = getopt(argc, argv, "n:s:i:o:")) != -1) {
		if (c == 'n')
			iterations = strtoull(optarg, NULL, 0);
		else if (c == 's')
			seed = strtoull(optarg, NULL, 0);
		else if (c == 'i')
			repeat = true, only = strtoull(optarg, NULL, 0);
		else if (c == 'o')
			dump_to = optarg;
		else
			return usage();
	}
	size_t n = argc - optind;
	if (!n)
		return usage();
	struct input *seeds = calloc(n, sizeof(*seeds));
	for (size_t i = 0; i < n; i++) {
		if (!seeds || !load(&seeds[i], argv[optind + i])) {
			perror(argv[optind + i]);
			return 1;
		}
		LLVMFuzzerTestOneInput(seeds[i].data, seeds[i].size);
	}
	if (repeat)
		run(seeds, n, seed, only, only + 1);
	else
		run(seeds, n, seed, 0, iterations);
	for (size_t i = 0; i < n; i++)
		free(seeds[i].data);
	free(seeds);
	return 0;
}
