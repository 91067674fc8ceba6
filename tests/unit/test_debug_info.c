// SPDX-License-Identifier: MIT
/*
 * Debug information of objects that the compilers here make: each change of a
 * type is found and named, no other is; damaged sections do not crash it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../object/debug/info.h"

#define MAX_FILE	(1u << 20)

static char dir[] = "/tmp/rp-debug-info-XXXXXX";

struct object {
	uint8_t *image;
	size_t size;
	struct rp_relobj model;
	struct rp_debug_info *info;
};

/* One way of compiling. */
struct way {
	const char *compiler, *options;
};

static const struct way ways[] = {
	{ "gcc", "-g" },
	{ "gcc", "-g -O2 -gdwarf-4" },
	{ "gcc", "-g -gdwarf-3 -gstrict-dwarf" },
	{ "gcc", "-g -gz=zlib -ffunction-sections" },
	{ "gcc", "-g -gz=zlib-gnu -gdwarf-4" },
	{ "gcc", "-g -fdebug-types-section" },
	{ "gcc", "-g -gdwarf-4 -fdebug-types-section" },
	{ "clang", "-g" },
	{ "clang", "-g -gdwarf-4 -fdebug-types-section" },
	{ "clang", "-g -gz=zlib -fdebug-types-section" },
};

#define NWAYS	(sizeof(ways) / sizeof(ways[0]))

static bool run(const char *format, ...)
{
	char command[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	return system(command) == 0;
}

static bool has_compiler(const char *name)
{
	return run("command -v %s >/dev/null", name);
}

static void read_file(struct object *o, const char *path)
{
	FILE *f = fopen(path, "rb");

	assert_non_null(f);
	o->image = malloc(MAX_FILE);
	assert_non_null(o->image);
	o->size = fread(o->image, 1, MAX_FILE, f);
	fclose(f);
	// Exactly its size, for the sanitizer.
	o->image = realloc(o->image, o->size);
	assert_non_null(o->image);
}

static void open_object(struct object *o)
{
	uint8_t *copy = malloc(o->size);
	struct rp_diag diag;

	assert_non_null(copy);
	memcpy(copy, o->image, o->size);
	assert_int_equal(rp_relobj_open(&o->model, o->image, o->size, &diag),
			 0);
	if (rp_debug_info_open(&o->info, &o->model, &diag))
		fail_msg("%s: %s", diag.where, diag.text);
	// libelf writes headers of sections that it inflates, if it may.
	assert_memory_equal(copy, o->image, o->size);
	free(copy);
}

static void compile(struct object *o, const struct way *way,
		    const char *source, bool cxx)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/in.%s", dir, cxx ? "cc" : "c");
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(source, f);
	fclose(f);
	assert_true(run("cd %s && %s %s -w -c %s -o out.o", dir, way->compiler,
			way->options, cxx ? "in.cc" : "in.c"));
	snprintf(path, sizeof(path), "%s/out.o", dir);
	memset(o, 0, sizeof(*o));
	read_file(o, path);
	open_object(o);
}

static void close_object(struct object *o)
{
	rp_debug_info_close(o->info);
	rp_relobj_close(&o->model);
	free(o->image);
}

/*
 * @expected: "kind type.member" of each change, in order, each with a '\n';
 *            "" if there is none
 */
struct pair {
	const char *name, *old_source, *new_source, *expected;
	bool cxx;
};

#define USE	"; struct s v; int f(struct s *p) { return sizeof(*p); }"
#define PAIR(name, a, b, expected)	{ name, a USE, b USE, expected, false }
#define CXX(name, a, b, expected)	{ name, a, b, expected, true }

static const struct pair pairs[] = {
	PAIR("same", "struct s { int a; }", "\n\nstruct s { int a; }", ""),
	PAIR("into padding", "struct s { int a; long b; }",
	     "struct s { int a, n; long b; }", "1 struct s.n\n"),
	PAIR("moved", "struct s { int a; char b, c; long d; }",
	     "struct s { int a; char x, b, c; long d; }",
	     "1 struct s.x\n1 struct s.b\n1 struct s.c\n"),
	PAIR("size", "struct s { int a; }", "struct s { int a, b; }",
	     "1 struct s.b\n0 struct s.\n"),
	PAIR("removed", "struct s { int a, b; long c; }",
	     "struct s { int a; long c; }", "1 struct s.b\n"),
	PAIR("kind", "struct s { int a; long b; }",
	     "struct s { float a; void *b; }",
	     "1 struct s.a\n1 struct s.b\n"),
	PAIR("sign", "struct s { int a; char b; }",
	     "struct s { unsigned a; signed char b; }", ""),
	PAIR("typedef", "struct s { long a; }",
	     "typedef long n; struct s { const n a; }", ""),
	PAIR("int to enum", "struct s { unsigned a; }",
	     "enum e { A }; struct s { enum e a; }", ""),
	PAIR("other enum", "enum e { A }; enum d { B }; struct s { enum e a; }",
	     "enum e { A }; enum d { B }; struct s { enum d a; }",
	     "1 struct s.a\n"),
	PAIR("bits", "struct s { int a : 3, b : 5, c : 2; }",
	     "struct s { int a : 3, b : 6, c : 2; }",
	     "1 struct s.b\n1 struct s.c\n"),
	PAIR("array", "struct s { int a[2][3]; char f[]; }",
	     "struct s { int a[3][2]; char f[]; }", "1 struct s.a\n"),
	PAIR("flexible", "struct s { int a; char f[]; }",
	     "struct s { int a; short f[]; }", "1 struct s.f\n"),
	PAIR("anonymous", "struct s { union { int a; char b; }; "
	     "struct { short x; long y; } in; }",
	     "struct s { union { int a; short b; }; "
	     "struct { short x, w; long y; } in; }",
	     "1 struct s.b\n1 struct s.in.w\n"),
	PAIR("behind pointer", "struct s { struct { int a; } *p; }",
	     "struct s { struct { int z, a; } *p; }",
	     "1 struct s.p->z\n1 struct s.p->a\n"),
	PAIR("nested", "struct i { int a; }; struct s { struct i i; int b; }",
	     "struct i { int a, c; }; struct s { struct i i; int b; }",
	     "1 struct i.c\n0 struct i.\n1 struct s.i\n1 struct s.b\n"
	     "0 struct s.\n"),
	PAIR("other struct", "struct i { int a; }; struct j { int a; }; "
	     "struct s { struct i i; struct j j; }",
	     "struct i { int a; }; struct j { int a; }; "
	     "struct s { struct j i; struct i j; }",
	     "1 struct s.i\n1 struct s.j\n"),
	PAIR("to union", "struct i { int a; }; struct s { struct i i; }",
	     "union i { int a; }; struct s { union i i; }",
	     "0 union i.\n1 struct s.i\n"),
	PAIR("by typedef", "typedef struct { int a; long b; } t; "
	     "struct s { t *p; }; t u", "typedef struct { int a, c; long b; } t;"
	     "struct s { t *p; }; t u", "1 t.c\n"),
	PAIR("by variable", "static struct { int a; long b; } u; "
	     "long g(void) { return u.b++; } struct s { int i; }",
	     "static struct { long b; int a; } u; "
	     "long g(void) { return u.b++; } struct s { int i; }",
	     "1 struct { ... } u.b\n1 struct { ... } u.a\n"),
	PAIR("enum", "enum e { A, B, C }; struct s { enum e e; }",
	     "enum e { A, X, B, C }; struct s { enum e e; }",
	     "2 enum e.B\n2 enum e.C\n"),
	PAIR("enum added", "enum e { A, B = 7 }; struct s { enum e e; }",
	     "enum e { A, B = 7, C }; struct s { enum e e; }", ""),
	PAIR("in functions", "int g(void) { struct l { char a; } l = { 1 }; "
	     "return l.a; } int h(void) { struct l { long a; } l = { 1 }; "
	     "return l.a; } struct s { int i; }",
	     "int h(void) { struct l { long a; } l = { 1 }; return l.a; } "
	     "int g(void) { struct l { int z; char a; } l = { 1 }; "
	     "return l.a; } struct s { int i; }",
	     "1 struct g()::l.z\n1 struct g()::l.a\n0 struct g()::l.\n"),
	PAIR("declared", "struct i; struct s { struct i *i; }",
	     "struct i { int a; }; struct s { struct i *i; }", ""),
	CXX("scopes", "namespace n { struct a { int x; }; struct b { int x; "
	    "struct c { char y; } c; }; } n::a a; n::b b;",
	    "namespace n { struct a { int x; }; struct b { int x; "
	    "struct c { short y; } c; }; } n::a a; n::b b;",
	    "0 n::b::c.\n1 n::b::c.y\n1 n::b.c\n"),
	CXX("base", "struct a { int x; }; struct b { int y; }; "
	    "struct c : a, b { int z; } v;",
	    "struct a { int x; }; struct b { int y; }; "
	    "struct c : b, a { int z; } v;",
	    "1 c.base class a\n1 c.base class b\n"),
	CXX("virtual", "struct a { virtual void f(); virtual void g(); }; "
	    "void a::f() {} void a::g() {} a v;",
	    "struct a { virtual void f(); virtual void n(); "
	    "virtual void g(); }; void a::f() {} void a::g() {} "
	    "void a::n() {} a v;", "3 a.n()\n3 a.g()\n"),
	CXX("not virtual", "struct a { int i; static int s; void f(); } v; "
	    "void a::f() {}", "class a { int i; static long s; void f(); "
	    "void g(); } v; void a::f() {}", ""),
};

static int compare_lines(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* In which order types come is up to the compiler. */
static void sort_changes(const char *in, char *out)
{
	static char lines[32][256];
	size_t n = 0;

	for (const char *end; (end = strchr(in, '\n')); in = end + 1)
		snprintf(lines[n++], 256, "%.*s", (int)(end - in), in);
	qsort(lines, n, 256, compare_lines);
	*out = '\0';
	for (size_t i = 0; i < n; i++)
		out = stpcpy(stpcpy(out, lines[i]), "\n");
}

static void check_changes(const struct pair *pair, const struct way *way,
			  const struct rp_type_changes *changes)
{
	char is[8192] = "", wanted[8192], *p = is;

	for (size_t i = 0; i < changes->n; i++) {
		const struct rp_type_change *c = &changes->v[i];

		p += sprintf(p, "%d %s.%s\n", c->kind, c->type, c->member);
		if (!c->text[0] || strncmp(c->file, "in.c", 4) || !c->line)
			fail_msg("%s: \"%s\" at %s:%u", pair->name, c->text,
				 c->file, c->line);
	}
	p = strdup(is);
	assert_non_null(p);
	sort_changes(p, is);
	free(p);
	sort_changes(pair->expected, wanted);
	if (strcmp(is, wanted))
		fail_msg("%s, %s %s:\nis\n%swanted\n%s", pair->name,
			 way->compiler, way->options, is, wanted);
}

static void compare_pair(const struct pair *pair, const struct way *way)
{
	struct rp_type_changes changes;
	struct object a, b;
	struct rp_diag diag;

	compile(&a, way, pair->old_source, pair->cxx);
	compile(&b, way, pair->new_source, pair->cxx);
	assert_int_equal(rp_debug_types_compare(a.info, b.info, &changes,
						&diag), 0);
	check_changes(pair, way, &changes);
	rp_type_changes_deinit(&changes);
	close_object(&a);
	close_object(&b);
}

static void types_compare_pairs(void **state)
{
	(void)state;
	for (size_t w = 0; w < NWAYS; w++) {
		if (!has_compiler(ways[w].compiler)) {
			print_message("# no %s\n", ways[w].compiler);
			continue;
		}
		// The first ways of both compilers try all, the others some.
		size_t step = strcmp(ways[w].options, "-g") ? 3 : 1;
		for (size_t i = w % step; i < sizeof(pairs) / sizeof(pairs[0]);
		     i += step)
			compare_pair(&pairs[i], &ways[w]);
	}
}

static uint32_t section_of(const struct rp_relobj *obj, const char *symbol,
			   uint64_t *offset)
{
	for (size_t i = 1; i < obj->nsymbols; i++)
		if (!strcmp(obj->symbols[i].name, symbol)) {
			*offset = obj->symbols[i].value;
			return obj->symbols[i].section;
		}
	fail_msg("no %s", symbol);
	return 0;
}

static void check_line(struct object *o, const char *symbol, uint32_t line)
{
	struct rp_source_line is;
	uint64_t offset = 0;
	uint32_t section = section_of(&o->model, symbol, &offset);

	assert_true(rp_debug_line(o->info, section, offset, &is));
	assert_int_equal(is.line, line);
	assert_string_equal(is.file, "in.c");
	uint64_t end = o->model.sections[section].hdr.sh_size;
	assert_true(rp_debug_line(o->info, section, end - 1, &is));
	assert_false(rp_debug_line(o->info, section, end, &is));
}

static void line_is_that_of_the_function(void **state)
{
	struct rp_source_line is;
	struct object o;

	(void)state;
	for (size_t w = 0; w < NWAYS; w++) {
		if (!has_compiler(ways[w].compiler))
			continue;
		compile(&o, &ways[w], "int v = 1;\nint f(void) { return 1; }\n"
			"__attribute__((section(\".text.x\")))\n"
			"int g(void) { return v; }\n\n"
			"int h(int a) { return f() + a; }\n", false);
		check_line(&o, "f", 2);
		check_line(&o, "g", 4);
		check_line(&o, "h", 6);
		assert_false(rp_debug_line(o.info, 0, 0, &is));
		assert_false(rp_debug_line(o.info, 4711, 0, &is));
		assert_string_equal(rp_debug_source(o.info), "in.c");
		assert_non_null(strstr(rp_debug_producer(o.info),
				ways[w].compiler[0] == 'g' ? "GNU" : "clang"));
		close_object(&o);
	}
}

static void info_open_without_any(void **state)
{
	static const struct way none = { "gcc", "-g0" };
	static const struct way split = { "gcc", "-g -gsplit-dwarf" };
	struct object o;

	(void)state;
	compile(&o, &none, "int f(void) { return 1; }", false);
	assert_null(o.info);
	close_object(&o);
	compile(&o, &split, "int f(void) { return 1; }", false);
	assert_null(o.info);
	close_object(&o);
}

/* Two units with a struct of one name: the pairs that belong together count. */
static void types_compare_merged_units(void **state)
{
	static const char *const sources[] = {
		"struct s { int a; } x;", "struct s { long b, c; } y;",
		"struct s { long c, b; } y;",
	};
	struct rp_type_changes changes;
	struct object o[3], a, b;
	struct rp_diag diag;
	char path[96];

	(void)state;
	for (int i = 0; i < 3; i++) {
		compile(&o[i], &ways[0], sources[i], false);
		close_object(&o[i]);
		assert_true(run("cd %s && mv out.o %d.o", dir, i));
	}
	assert_true(run("cd %s && ld -r 0.o 1.o -o a.o && ld -r 1.o 0.o -o b.o "
			"&& ld -r 0.o 2.o -o c.o", dir));
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/a.o", dir);
		read_file(&a, path);
		open_object(&a);
		snprintf(path, sizeof(path), "%s/%s", dir, i ? "c.o" : "b.o");
		read_file(&b, path);
		open_object(&b);
		assert_int_equal(rp_debug_types_compare(a.info, b.info,
							&changes, &diag), 0);
		assert_int_equal(changes.n, i ? 2 : 0);
		rp_type_changes_deinit(&changes);
		close_object(&a);
		close_object(&b);
	}
}

static void prototype_changed_cases(void **state)
{
	struct object a, b;
	char text[512];

	(void)state;
	compile(&a, &ways[0], "typedef long n; struct q { int i; };"
		"int f(n a, struct q *q) { return a; }"
		"void g(const char *s) {} int h(int i, ...) { return 1; }"
		"long k(void (*c)(int)) { return 1; }", false);
	compile(&b, &ways[0], "struct q { int i, j; };"
		"int f(long a, struct q *q) { return a; }"
		"void g(char *s, int n) {} int h(int i) { return 1; }"
		"long k(void (*c)(long)) { return 1; }", false);
	assert_int_equal(rp_debug_prototype_changed(a.info, b.info, "f", "f",
			 text, sizeof(text)), 0);
	assert_int_equal(rp_debug_prototype_changed(a.info, b.info, "f.part.0",
			 "f", text, sizeof(text)), 0);
	assert_int_equal(rp_debug_prototype_changed(a.info, b.info, "g", "g",
			 text, sizeof(text)), 1);
	assert_string_equal(text, "was void g(const char *), "
			    "is void g(char *, int)");
	assert_int_equal(rp_debug_prototype_changed(a.info, b.info, "h", "h",
			 text, sizeof(text)), 1);
	assert_int_equal(rp_debug_prototype_changed(a.info, b.info, "k", "k",
			 text, sizeof(text)), 1);
	assert_int_equal(rp_debug_prototype_changed(a.info, b.info, "k", "none",
			 text, sizeof(text)), -1);
	close_object(&a);
	close_object(&b);
}

static uint64_t drawn = 88172645463325252u;

static uint64_t draw(uint64_t n)
{
	drawn ^= drawn << 13;
	drawn ^= drawn >> 7;
	drawn ^= drawn << 17;
	return drawn % n;
}

static void damage(struct object *o, uint8_t *image)
{
	uint64_t changes = 1 + draw(6);

	while (changes) {
		const struct rp_section *s =
			&o->model.sections[draw(o->model.nsections)];

		if (!strstr(s->name, "debug_") || !s->hdr.sh_size)
			continue;
		uint8_t *at = image + s->hdr.sh_offset + draw(s->hdr.sh_size);
		*at = draw(2) ? (uint8_t)draw(256) :
		      (uint8_t)(*at ^ 1u << draw(8));
		changes--;
	}
}

/* Strings are read to their ends. */
static volatile size_t seen;

/* All that can be asked. Return: was the damage noticed? */
static bool ask_damaged(struct object *whole, struct object *o)
{
	struct rp_type_changes changes;
	struct rp_source_line line;
	struct rp_diag diag;
	char text[512];

	int rc = rp_debug_info_open(&o->info, &o->model, &diag);
	if (rc)
		return diag.id == RP_DIAG_DEBUG_INFO;
	if (!o->info)
		return false;
	for (uint32_t i = 1; i < o->model.nsections; i++)
		for (uint64_t at = 0; at < 64; at++)
			if (rp_debug_line(o->info, i, at, &line))
				seen += strlen(line.file);
	rp_debug_producer(o->info);
	rp_debug_source(o->info);
	rc = rp_debug_types_compare(whole->info, o->info, &changes, &diag);
	rp_type_changes_deinit(&changes);
	rp_debug_prototype_changed(whole->info, o->info, "f", "f", text,
				   sizeof(text));
	return rc;
}

static unsigned int damage_often(const struct way *way, unsigned int times)
{
	unsigned int noticed = 0;
	struct object whole, o;
	struct rp_diag diag;

	compile(&whole, way, "struct i { int a : 3; char b[2][2]; };"
		"typedef struct { struct i i; union { int k; float l; }; } t;"
		"enum e { A, B = 9 }; struct s { t t; enum e e; struct { int z;"
		" } *p; void (*f)(struct s *, int); } v; static t u;"
		"int f(struct s *p, ...) { struct l { int x; } l = { 1 };"
		" { static struct l k; k = l; } return p->e + u.k++; }", false);
	o = whole;
	o.image = malloc(o.size);
	assert_non_null(o.image);
	for (unsigned int i = 0; i < times; i++) {
		memcpy(o.image, whole.image, o.size);
		damage(&whole, o.image);
		if (rp_relobj_open(&o.model, o.image, o.size, &diag))
			fail_msg("%s: %s", diag.where, diag.text);
		o.info = NULL;
		noticed += ask_damaged(&whole, &o);
		rp_debug_info_close(o.info);
		rp_relobj_close(&o.model);
	}
	free(o.image);
	close_object(&whole);
	return noticed;
}

static void damaged_sections_are_survived(void **state)
{
	unsigned int noticed = 0;

	(void)state;
	for (size_t w = 0; w < NWAYS; w++)
		if (has_compiler(ways[w].compiler))
			noticed += damage_often(&ways[w], 400);
	assert_true(noticed > 400);
}

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	return run("rm -r %s", dir) ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(info_open_without_any),
		cmocka_unit_test(line_is_that_of_the_function),
		cmocka_unit_test(types_compare_pairs),
		cmocka_unit_test(types_compare_merged_units),
		cmocka_unit_test(prototype_changed_cases),
		cmocka_unit_test(damaged_sections_are_survived),
	};

	if (!has_compiler("gcc")) {
		puts("1..0 # SKIP no gcc");
		return 77;
	}
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
