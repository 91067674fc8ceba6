#!/bin/bash
# SPDX-License-Identifier: MIT
# Thread-local variables, by each way in which code reaches them.
. "$(dirname "$0")/common.inc"

tls_case()
{
	put "$1/case.c" <<'EOT'
#include "case.h"
static __thread int own = 5;
__thread int exported = 50;
static __thread char zero[100];
static __thread int other = 7000;
ALONE int use(int n)
{
	own++;
	zero[n]++;
	other++;
	return own + exported++ * WAS_IS(1, 10) + zero[n] * WAS_IS(100, 1000) + other;
}
EOT
	put "$1/show.c" <<'EOT'
#include "case.h"
#include <pthread.h>
int use(int n);
static void *thread(void *unused) { printf("%d ", use(3)); return NULL; }
void show(void)
{
	pthread_t t;
	pthread_create(&t, NULL, thread, NULL);
	pthread_join(t, NULL);
	printf("%d\n", use(3));
}
EOT
	replaced=use link=-lpthread
}

cat >"$tmp/results" <<EOT
before:
7157 7157
applied:
8507 9519
reverted:
7157 7363
EOT

# Executables: local-exec, and what the linker makes of the others.
tls_case local-exec
kinds="pie nopie"
try local-exec "local-exec" <"$tmp/results"

tls_case initial-exec
flags="-ftls-model=initial-exec"
try initial-exec "initial-exec" <"$tmp/results"

tls_case general-dynamic
flags="-ftls-model=global-dynamic -fPIC" kinds="pie shared"
try general-dynamic "general-dynamic" <"$tmp/results"

tls_case local-dynamic
flags="-ftls-model=local-dynamic -fPIC" kinds="pie shared"
try local-dynamic "local-dynamic" <"$tmp/results"

# By a function of a library: errno.
put errno/case.c <<'EOT'
#include "case.h"
#include <errno.h>
ALONE int use(int n)
{
	LONG_ENOUGH;
#ifdef FIXED
	errno = n;
	return errno * 2;
#else
	return OPAQUE(n);
#endif
}
void show(void) { printf("%d\n", use(21)); }
EOT
replaced=use
try errno "errno" <<EOT
before:
21
applied:
42
reverted:
21
EOT

# Another library's, which the program did not use.
put library.c <<'EOT'
__thread int padding[100] = { 1 }, of_library = 70;
EOT
${all_compilers##* } -O2 -fPIC -shared -o libother.so library.c || exit 99
put imported/case.c <<'EOT'
#include "case.h"
#include <pthread.h>
extern __thread int of_library;
ALONE int use(int n)
{
	LONG_ENOUGH;
	(void)OPAQUE(n);
#ifdef FIXED
	return of_library++;
#else
	return OPAQUE(n);
#endif
}
static void *thread(void *unused) { printf("%d ", use(3)); return NULL; }
void show(void)
{
	pthread_t t;
	pthread_create(&t, NULL, thread, NULL);
	pthread_join(t, NULL);
	printf("%d\n", use(3));
}
EOT
replaced=use link="-Wl,--no-as-needed -L$tmp -lother -Wl,-rpath,$tmp -lpthread"
flags=-fPIC kinds="pie shared"
try imported "another library's variable" <<EOT
before:
3 3
applied:
70 70
reverted:
3 3
EOT

put new-variable/case.c <<'EOT'
#include "case.h"
#ifdef FIXED
static __thread int calls;
#endif
ALONE int use(int n)
{
	LONG_ENOUGH;
#ifdef FIXED
	return ++calls;
#else
	return OPAQUE(n);
#endif
}
void show(void) { printf("%d\n", use(21)); }
EOT
refuse new-variable "a new variable" RP0712 calls

put initial-value/case.c <<'EOT'
#include "case.h"
static __thread int calls = WAS_IS(5, 50);
ALONE int use(int n) { return ++calls; }
void show(void) { printf("%d\n", use(21)); }
EOT
refuse initial-value "a changed initial value" RP0706 calls

tap_end
