// SPDX-License-Identifier: MIT
/*
 * A source to be edited at random: what compilers treat specially, and what the
 * sources of Repoint have too little of. It is compiled and linked, never run.
 */
#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct shape {
	struct shape *next;
	const char *name;
	double width, height;
	int kind, flags;
	int (*measure)(const struct shape *shape, int unit);
};

static int made = 3;
static int freed;
static unsigned long budget = 1000;
static unsigned long used;
static const char *last_error;
static char scratch[128];
static struct shape *shapes;
static __thread int depth;
__thread unsigned int seed = 7;
int limit = 40;

static const int factors[] = {
	1, 10, 100,
	254, 2540, 99,
	7, 11, 13,
};

static const char *const kinds[] = {
	"none", "square", "circle", "triangle", "line", "point",
};

static const struct step {
	const char *name;
	int from, to;
	double scale;
} steps[] = {
	{ "first", 1, 20, 1.5 },
	{ "second", 21, 40, 2.25 },
	{ "third", 41, 90, 4.0 },
};

static const unsigned char classes[64] = {
	0, 1, 1, 2, 3, 5, 8, 13,
	21, 34, 55, 89, 144, 233, 1, 2,
};

static void complain(const char *what, int code)
{
	static int count;

	count++;
	if (count > 100)
		return;
	last_error = what;
	fprintf(stderr, "shapes: %s: %d\n", what, code);
}

static __attribute__((noinline)) int unit_factor(int unit)
{
	assert(unit >= 0);
	if (unit > 8) {
		complain("no such unit", unit);
		return 1;
	}
	return factors[unit];
}

int measure_square(const struct shape *shape, int unit)
{
	static int count;
	double area;

	assert(shape);
	assert(shape->kind == 1);
	count++;
	area = shape->width * shape->width;
	if (area < 0.25)
		return 0;
	if (area > 1000000.0)
		complain("too large", count);
	return (int)(area * 2.5) * unit_factor(unit);
}

int measure_circle(const struct shape *shape, int unit)
{
	static int count;
	double area;

	assert(shape && shape->kind == 2);
	count++;
	area = shape->width * shape->width * 3.14159;
	if (__builtin_expect(area > 99999.5, 0)) {
		complain(__func__, count);
		abort();
	}
	return (int)area / unit_factor(unit);
}

const char *kind_name(int kind)
{
	switch (kind) {
	case 0:
		return "nothing at all";
	case 1:
		return "a square";
	case 2:
		return "a circle";
	case 3:
		return "a triangle";
	case 7:
		return "a line";
	case 9:
		return "a point";
	default:
		break;
	}
	return kind < 6 ? kinds[kind] : "something else";
}

int weigh(int kind, int by)
{
	int result = by;

	switch (kind) {
	case 0:
		result += limit;
		break;
	case 1:
		result *= made;
		complain("weighed", result);
		break;
	case 2:
		result -= freed;
		break;
	case 3:
		result ^= (int)used;
		break;
	case 4:
		return measure_square(shapes, by);
	case 5:
		return measure_circle(shapes, by);
	case 6:
		result = abs(result);
		break;
	}
	used += (unsigned int)result;
	return result;
}

static void shape_init(struct shape *shape, const char *name, int kind)
{
	shape->name = name;
	shape->kind = kind;
	shape->width = 1.0;
	shape->height = 2.0;
	shape->measure = kind == 1 ? measure_square : measure_circle;
}

struct shape *shape_create(const char *name, int kind)
{
	struct shape *shape;

	if (used >= budget) {
		errno = ENOSPC;
		complain("budget is used up", (int)used);
		return NULL;
	}
	shape = calloc(1, sizeof(*shape));
	if (!shape) {
		complain("no memory", errno);
		return NULL;
	}
	shape_init(shape, name, kind);
	shape->next = shapes;
	shapes = shape;
	made++;
	return shape;
}

void shape_destroy(struct shape *shape)
{
	struct shape **link;

	for (link = &shapes; *link; link = &(*link)->next) {
		if (*link != shape)
			continue;
		*link = shape->next;
		break;
	}
	free(shape);
	freed++;
}

static int step_of(int value)
{
	size_t i;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (value >= steps[i].from && value <= steps[i].to)
			return (int)i;
	}
	return -1;
}

double scaled(int value)
{
	int step = step_of(value);

	if (step < 0) {
		snprintf(scratch, sizeof(scratch), "%d has no step", value);
		complain(scratch, value);
		return 0.5;
	}
	return value * steps[step].scale + sqrt(value + 0.125);
}

const char *step_name(int value)
{
	int step = step_of(value);

	return step < 0 ? NULL : steps[step].name;
}

static __attribute__((noinline)) int descend(struct shape *shape, int by)
{
	int sum;

	if (!shape || depth > 64)
		return 0;
	depth++;
	sum = classes[shape->flags & 63] + descend(shape->next, by);
	depth--;
	return sum * by;
}

int total(void)
{
	return descend(shapes, 3);
}

int total_of(struct shape *shape)
{
	if (!shape) {
		complain("no shape", depth);
		return -EINVAL;
	}
	return descend(shape, 3);
}

unsigned int next_random(void)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) & 0x7fff;
}

/* A machine: each instruction goes on to the next by itself. */
int run(const unsigned char *program, int value)
{
	static const void *const labels[] = {
		&&stop, &&add, &&sub, &&twice, &&negate,
	};
	int pushed = 0;

	goto *labels[*program++ % 5];
add:
	value += *program++;
	goto *labels[*program++ % 5];
sub:
	value -= *program++;
	goto *labels[*program++ % 5];
twice:
	pushed++;
	value *= 2;
	goto *labels[*program++ % 5];
negate:
	value = -value;
	goto *labels[*program++ % 5];
stop:
	if (pushed > 40)
		complain("long program", pushed);
	return value;
}

int parse(const char *text, struct shape *into)
{
	char *end;
	long value;

	if (!strncmp(text, "kind=", 5)) {
		value = strtol(text + 5, &end, 10);
		if (*end || value < 0 || value > 5) {
			complain("bad kind", (int)value);
			return -EINVAL;
		}
		into->kind = (int)value;
		return 0;
	}
	if (!strncmp(text, "width=", 6)) {
		into->width = strtod(text + 6, &end);
		return *end ? -EINVAL : 0;
	}
	if (!strcmp(text, "flag")) {
		into->flags |= 4;
		return 1;
	}
	complain("cannot be parsed", (int)strlen(text));
	return -ENOENT;
}

int compare(const void *a, const void *b)
{
	const struct shape *x = *(const struct shape *const *)a;
	const struct shape *y = *(const struct shape *const *)b;
	int result;

	result = strcmp(x->name, y->name);
	if (result)
		return result;
	return (x->width > y->width) - (x->width < y->width);
}

int sort_shapes(struct shape **out, size_t n)
{
	struct shape *shape;
	size_t count = 0;

	for (shape = shapes; shape; shape = shape->next) {
		if (count == n)
			break;
		out[count++] = shape;
	}
	assert(count <= n);
	qsort(out, count, sizeof(*out), compare);
	return (int)count;
}

double blend(const double *values, size_t n, float weight)
{
	double sum = 0.0;
	size_t i;

	for (i = 0; i < n; i++) {
		double value = values[i];

		if (value < -100.5)
			value = -100.5;
		sum += value * weight + 0.75;
	}
	return n ? sum / (double)n : 1.0 / 3.0;
}
