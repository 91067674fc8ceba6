/* SPDX-License-Identifier: MIT */
/* A library that the target is linked with. */
int shared_data = 7;
_Thread_local int tls_library = 8;

int preloaded(void);
int (*library_preloaded(void))(void);
int chosen(void);

__attribute__((weak)) int preloaded(void) { return 1; }
int (*library_preloaded(void))(void) { return preloaded; }

#ifdef VERSIONS
int pick_1(void);
int pick_2(void);
__asm__(".symver pick_1, pick@V1\n\t.symver pick_2, pick@@V2");
int pick_1(void) { return 1; }
int pick_2(void) { return 2; }

static int chosen_here(void) { return 3; }
static int (*choose(void))(void) { return chosen_here; }
int chosen(void) __attribute__((ifunc("choose")));
#else
int pick(void);
int pick(void) { return 2; }
int chosen(void) { return 3; }
#endif
