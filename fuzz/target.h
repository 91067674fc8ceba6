/* SPDX-License-Identifier: MIT */
/* The one function of a fuzz target, by the name that libFuzzer gives it. */
#ifndef REPOINT_FUZZ_TARGET_H
#define REPOINT_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif /* REPOINT_FUZZ_TARGET_H */
