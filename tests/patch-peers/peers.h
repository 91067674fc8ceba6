/* SPDX-License-Identifier: MIT */
/* What the cases share; the other side is start.c. PATCHED: the fixed version. */
#ifndef PEERS_H
#define PEERS_H

#ifdef __cplusplus
extern "C" {
#endif

#define NOINLINE	__attribute__((noinline))
#define INLINE		inline __attribute__((always_inline))
#define COLD		__attribute__((noinline, cold))
#define NORETURN	__attribute__((noreturn))
#define WEAK		__attribute__((weak))
#define HIDDEN		__attribute__((visibility("hidden")))
#define USED		__attribute__((used))

/* What only one of the versions has. */
#ifdef PATCHED
# define OLD(...)
# define NEW(...)	__VA_ARGS__
#else
# define OLD(...)	__VA_ARGS__
# define NEW(...)
#endif

extern const char *progress;
extern int limit;
extern int trace[4];

COLD void complain(const char *what, int n);
COLD NORETURN void give_up(const char *what, int line);
int plain_call(int n);

/* What the program calls. */
int work(int n);

#ifdef __cplusplus
}
#endif

#endif /* PEERS_H */
