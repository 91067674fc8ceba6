// SPDX-License-Identifier: MIT
/* Functions whose new versions need something: see special.sh. */
#include "serve.h"

#include <errno.h>
#include <math.h>
#include <string.h>

__thread int of_thread = 5;
static volatile __thread int also_of_thread = 6;

static inline int opaque(int n)
{
	__asm__("" : "+r"(n));
	return n;
}

OPAQUE int tls(void)
{
#if VERSION > 1
	errno = ENOENT;
	also_of_thread++;
	of_thread += 100;
	return of_thread * 1000 + also_of_thread;
#else
	of_thread++;
	return of_thread + also_of_thread * opaque(0);
#endif
}

OPAQUE int import(void)
{
#if VERSION > 1
	char text[32];

	/* Neither of which the program calls. */
	strcpy(text, strpbrk("a-b", "-"));
	return strcspn(text, "b") + strspn("222", "2") * 10;
#else
	return opaque(1);
#endif
}

#ifdef ACROSS
/* The linker puts it where its first bytes are on two pages. */
__attribute__((section(".across")))
#endif
OPAQUE int across(void)
{
	return opaque(VERSION);
}
