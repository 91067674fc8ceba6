#!/bin/bash
# SPDX-License-Identifier: MIT
# redis: assertions with __LINE__ all over, and a struct that moves.
. "$(dirname "$0")/real.inc"

package redis
advance CVE-2024-51741
original
keep
payload acl
check 'a selector of ACL rules: one function, and no line numbers' \
	replaces acl ACLSetSelector
check 'nothing is new' adds acl

advance CVE-2025-32023
original
keep
payload hll
check 'sparse HyperLogLogs: three functions' \
	replaces hll hllMerge hllSparseRegHisto hllSparseToDense

advance CVE-2025-46818
original
keep
payload lua
check 'a member of a live struct moves: refused, and it is named' \
	refuses lua 0705 'struct redisServer'

tap_end
