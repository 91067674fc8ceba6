// SPDX-License-Identifier: MIT
/* A shared object that does not register itself: one descriptor a table. */
#include <errno.h>

#include <repoint/abi.h>

#include "hostile.h"
#include "tables.h"

#define TABLE(name)							\
	extern const struct rp_alternative table_##name[], end_##name[];

#define BAD(name, error, why)	TABLE(name)
TABLES
#undef BAD
TABLE(right)
TABLE(mutable)

#define OBJECT(name)							\
	{								\
		.version = RP_ABI_VERSION,				\
		.size = sizeof(struct rp_object),			\
		.alternatives = table_##name,				\
		.alternatives_end = end_##name,				\
	}

static struct hostile_table tables[] = {
#define BAD(name, error, why)	{ #name, OBJECT(name), -error, why },
TABLES
#undef BAD
	{ NULL, OBJECT(right), 0, NULL },
};

static struct rp_object mutable = OBJECT(mutable);

struct hostile_table *hostile_tables(void)
{
	return tables;
}

struct rp_object *hostile_mutable(void)
{
	return &mutable;
}
