#!/bin/bash
# SPDX-License-Identifier: MIT
# repoint cc lets no object with a patchlet that is not sound survive; what
# cannot be annotated for another reason stays as compiled.
. "$(dirname "$0")/common.inc"
cd "$tmp" || exit 99
export TMPDIR=$tmp/temporary
mkdir "$TMPDIR" || exit 99

# source_with CLOBBERS: a patchlet that changes %rax, and a use of an ops table
source_with()
{
	cat <<EOF
#include <repoint/ops.h>
struct ops { int (*f)(int x); };
RP_DECLARE_OPS(struct ops, table);
int use(int x);
int use(int x) { return rp_op(table, f)(x); }
__asm__(RP_PATCHLET(p, $1) "mov %edi, %eax" RP_PATCHLET_END(p));
EOF
}
source_with 0 >bad.c
source_with RP_CLOBBER_RAX >good.c
# In the place of the library, which has no part in this.
cat >main.c <<'EOF'
struct ops { int (*f)(int x); };
static int same(int x) { return x; }
extern struct ops table __asm__("rp_ops__table")
	__attribute__((visibility("hidden")));
struct ops table = { same };
int use(int x);
int main(void) { return use(0); }
int rp_object_register(void *object) { return object ? 0 : -1; }
void rp_object_unregister(void *object) { (void)object; }
EOF

# refused COMMAND...: the compiler is content, but there is an error and no file
refused()
{
	"$@" || return
	rm -f bad.o out.o prog
	expect_status 1 "$REPOINT" cc "$@" 2>err || return
	cat err
	# A linker that ran would complain, too.
	[ "$(grep -c '\[RP' err)" -eq 1 ] && ! grep -q 'cannot find' err &&
	grep -q 'error: patchlet p+0x0: .* add RP_CLOBBER_RAX .*RP0310' err &&
	[ ! -e bad.o ] && [ ! -e out.o ] && [ ! -e prog ] &&
	[ -z "$(ls "$TMPDIR")" ]
}

linked()
{
	rm -f prog
	"$REPOINT" cc "$@" && ./prog
}

several()
{
	rm -f good.o bad.o main.o
	expect_status 1 "$REPOINT" cc "$1" -I"$RP_INC" -O2 -c bad.c good.c \
		main.c || return
	[ ! -e bad.o ] && [ -e main.o ] && annotate -v good.o |
	grep 'already annotated: .* 1 ops site'
}

through_link()
{
	rm -f bad.o
	ln -s real.o bad.o && : >real.o
	expect_status 1 "$REPOINT" cc "$1" -I"$RP_INC" -O2 -c bad.c || return
	# clang replaces the link, gcc's assembler the file that it leads to
	[ ! -e bad.o ] && [ ! -s real.o ]
}

# Two relocations of the same bytes: of these none is a patchlet's.
other_failure()
{
	cat >t.s <<'EOF'
	.reloc	., R_X86_64_PC32, rp_ops__x
	.reloc	., R_X86_64_PC32, rp_ops__y
	.long	0
EOF
	rm -f t.o
	"$REPOINT" cc "$@" -c t.s 2>err || return
	cat err
	[ -e t.o ] && grep -q 't\.o: error: .*RP0117' err &&
	grep -q 't\.o: warning: .* static calls and ops stay as compiled .*05' err
}

for cc in $(compilers); do
	n=$(basename "$cc")
	as=
	[ "$n" != clang ] || as=-fno-integrated-as
	set -- "$cc" -I"$RP_INC" -O2
	check "$n -c" refused "$@" -c bad.c
	check "$n -c -o" refused "$@" -c bad.c -o out.o
	check "$n, and link" refused "$@" bad.c main.c -o prog
	check "$n, and link, -g -pipe" refused "$@" -g -pipe bad.c main.c \
		-o prog
	check "$n -shared" refused "$@" -shared -fPIC bad.c main.c -o prog
	check "$n -c, three files" several "$cc"
	check "$n -c, through a symbolic link" through_link "$cc"
	check "$n, and link, sound" linked "$@" good.c main.c -o prog
	check "$n, another failure" other_failure "$cc" \
		${as:+"$as"}
done
tap_end
