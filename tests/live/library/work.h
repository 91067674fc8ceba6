/* SPDX-License-Identifier: MIT */
/* What is replaced in the program of self.c. */
#ifndef WORK_H
#define WORK_H

#ifdef __cplusplus
extern "C" {
#endif

/* 1; by the payload fix 2, by the payload other 3. */
int answer(void);

/* Calls @inside, from a function that both of them replace. */
int around(int (*inside)(void *context), void *context);

#ifdef __cplusplus
}
#endif

#endif /* WORK_H */
