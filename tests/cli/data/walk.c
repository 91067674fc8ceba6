/* SPDX-License-Identifier: MIT */
/*
 * Walks this object's table of call sites. Every record must name an
 * instruction of its kind that reaches the trampoline of its GOT entry.
 */
#include <repoint/abi.h>

#include <stdio.h>
#include <string.h>

extern const struct rp_static_call_site __start_rp_static_call_sites[]
	__attribute__((weak, visibility("hidden")));
extern const struct rp_static_call_site __stop_rp_static_call_sites[]
	__attribute__((weak, visibility("hidden")));
int rp_tramp__a(int);
int rp_tramp__b(int);
int all(int x);
void *local_address(void);
int walk(void);

static int32_t rel32(const uint8_t *p)
{
	int32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static const uint8_t *through_got(const uint8_t *code)
{
	const uint8_t *to;

	memcpy(&to, code + 6 + rel32(code + 2), sizeof(to));
	return to;
}

/* Where the instruction goes; NULL if it is not of that kind. */
static const uint8_t *destination(const uint8_t *c, int kind)
{
	switch (kind) {
	case RP_SITE_CALL:
		return c[0] == 0xe8 ? c + 5 + rel32(c + 1) : NULL;
	case RP_SITE_JMP:
		return c[0] == 0xe9 ? c + 5 + rel32(c + 1) : NULL;
	case RP_SITE_JCC:
		return c[0] == 0x0f && (c[1] & 0xf0) == 0x80 ?
			c + 6 + rel32(c + 2) : NULL;
	case RP_SITE_CALL_GOT:	/* or relaxed by the linker */
		if (c[0] == 0x67 && c[1] == 0xe8)
			return c + 6 + rel32(c + 2);
		return c[0] == 0xff && c[1] == 0x15 ? through_got(c) : NULL;
	case RP_SITE_JMP_GOT:
		if (c[0] == 0xe9 && c[5] == 0x90)
			return c + 5 + rel32(c + 1);
		return c[0] == 0xff && c[1] == 0x25 ? through_got(c) : NULL;
	}
	return NULL;
}

/* In a shared object a direct call leads to a PLT entry: endbr64, bnd jmp. */
static const uint8_t *behind_plt(const uint8_t *p, const uint8_t *tramp)
{
	if (p == tramp)
		return p;
	if (p[0] == 0xf3 && p[1] == 0x0f)
		p += 4;
	if (p[0] == 0xf2)
		p++;
	return p[0] == 0xff && p[1] == 0x25 ? through_got(p) : NULL;
}

static int is_bad(const struct rp_static_call_site *site)
{
	const uint8_t *code = (const uint8_t *)&site->code + site->code;
	const uint8_t *tramp, *to;

	memcpy(&tramp, (const uint8_t *)&site->tramp + site->tramp,
	       sizeof(tramp));
	if (tramp != (const uint8_t *)rp_tramp__a &&
	    tramp != (const uint8_t *)rp_tramp__b && tramp != local_address())
		return 1;
	to = destination(code, site->kind);
	return !to || site->flags || behind_plt(to, tramp) != tramp;
}

int walk(void)
{
	const struct rp_static_call_site *site = __start_rp_static_call_sites;
	int n = 0, bad = 0, sum = all(3);	/* which fills PLT entries in */

	for (; site < __stop_rp_static_call_sites; site++, n++)
		bad += is_bad(site);
	printf("%d sites, %d bad, all(3) = %d\n", n, bad, sum);
	return bad || sum != 38;
}
