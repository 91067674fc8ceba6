// SPDX-License-Identifier: MIT
/*
 * Call sites from the relocations that -Wl,--emit-relocs leaves in a file.
 *
 * A relocation says where the linker wrote a displacement, not what to. So the
 * instruction and its destination are taken from memory: a site is what decodes
 * to a branch and leads to a trampoline, recognised by its signature and by
 * the key that it refers to; a relocation that is wrong is then no site.
 *
 * What linkers leave for `call *tramp@GOTPCREL(%rip)` (-fno-plt), observed
 * with GNU ld and gold 2.40 and lld 14; P is r_offset:
 *
 *   in memory                    GNU ld               gold, lld
 *   ff 15 rel32                  GOTPCRELX, P = +2    the same
 *   ff 25 rel32                  GOTPCRELX, P = +2    the same
 *   67 e8 rel32    (relaxed)     PC32, P = +2         GOTPCRELX, P = +2
 *   e9 rel32 90    (relaxed)     PC32, P = +1         GOTPCRELX, P = +2
 *
 * GNU ld's relaxed forms cannot be told from an ordinary call whose assembler
 * chose PC32 (nasm): the 67 may end the instruction before, the 90 may begin
 * the next one. They are therefore taken for the five bytes that are certain:
 * the call behind the prefix, which has no effect on what replaces the call,
 * and the jump without the NOP.
 *
 * Not found: calls through the PLT, since its entry is no trampoline (build
 * callers of another object's static calls with -fno-plt); and branches that
 * the assembler resolved itself, which leave no relocation.
 *
 * The file is read with pread() and never mapped: whoever truncates it while
 * we look must not give us a SIGBUS.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arch.h"
#include "relocs.h"
#include "vec.h"

#if RP__HAVE_ENGINE

#define SECTIONS_AT_ONCE	64
#define RELAS_AT_ONCE		2048
#define SEEN_BITS		10
#define FIELD_SIZE		4
/* Build IDs are in the first note; those behind it are of no interest. */
#define NOTE_SIZE_MAX		1024

/* struct seen - verdict on a destination, or on a GOT entry that holds it. */
struct seen {
	uintptr_t addr;
	bool is_slot;
	bool is_tramp;
};

/* struct work - memory that only files with relocations need. */
struct work {
	Elf64_Rela relas[RELAS_AT_ONCE];
	struct seen seen[1u << SEEN_BITS];
};

/*
 * struct reader - one call of rp__relocs_read().
 * @size:   of the file, when it was opened
 * @budget: bytes of relocations that it may still have: sections that overlap
 *          could otherwise keep us busy for ever
 */
struct reader {
	const struct rp__relocs_object *object;
	rp__relocs_fn *found;
	void *data;
	int fd;
	int count;
	uint64_t size;
	uint64_t budget;
	struct work *work;
};

/* struct text - a section of code, in the file's addresses and in memory. */
struct text {
	uint64_t start;
	uint64_t size;
	const uint8_t *bytes;
};

/* struct branch - what a relocation's bytes are; @back from its offset. */
struct branch {
	enum rp_site_kind kind;
	unsigned int back;
};

static int file_read(const struct reader *r, uint64_t offset, void *to,
		     size_t len)
{
	char *pos = to;

	if (offset > r->size || len > r->size - offset)
		return -EILSEQ;
	while (len) {
		ssize_t n = pread(r->fd, pos, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EILSEQ;
		pos += n;
		offset += (size_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* True if a segment with all of @flags holds @len bytes at @addr. */
static bool is_loaded(const struct rp__relocs_object *object, uintptr_t addr,
		      uint64_t len, uint32_t flags)
{
	for (int i = 0; i < object->phnum; i++) {
		const ElfW(Phdr) *p = &object->phdr[i];
		uint64_t offset = addr - (object->base + p->p_vaddr);

		if (p->p_type == PT_LOAD && (p->p_flags & flags) == flags &&
		    offset < p->p_memsz && len <= p->p_memsz - offset)
			return true;
	}
	return false;
}

static bool is_key(const struct rp__relocs_object *object, uintptr_t addr)
{
	struct rp_static_call_key key;

	if (addr % _Alignof(struct rp_static_call_key) ||
	    !is_loaded(object, addr, sizeof(key), PF_R))
		return false;
	memcpy(&key, (const void *)addr, sizeof(key));
	return key.magic == RP_STATIC_CALL_KEY_MAGIC;
}

/* As built: a jump through the key. As patched: a jump, or a return. */
static bool is_tramp_jump(const uint8_t *bytes, uintptr_t addr, uintptr_t key)
{
	static const uint8_t ret[RP_TRAMP_JMP_SIZE] = {
		0xc3, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc
	};
	struct rp__insn insn;

	if (rp__insn_decode(bytes, RP_TRAMP_JMP_SIZE, addr, &insn) < 0)
		return false;
	switch (insn.type) {
	case RP__INSN_JMP_MEM:
		return insn.target ==
		       key + offsetof(struct rp_static_call_key, target);
	case RP__INSN_JMP:
		return bytes[0] == 0xe9 &&
		       (bytes[5] == 0x90 || bytes[5] == RP__INT3);
	case RP__INSN_RET:
		return !memcmp(bytes, ret, sizeof(ret));
	default:
		return false;
	}
}

static bool may_be_tramp(uintptr_t addr)
{
	unsigned int offset = addr % RP_TRAMP_SIZE;

	return offset == RP_TRAMP_ENDBR_OFFSET || offset == RP_TRAMP_JMP_OFFSET;
}

/* True if @addr is the entry of a trampoline of @object (layout: abi.h). */
static bool is_tramp(const struct rp__relocs_object *object, uintptr_t addr)
{
	static const uint8_t endbr[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	static const uint8_t int3s[] = { 0xcc, 0xcc, 0xcc, 0xcc };
	static const uint8_t ud2[] = { 0x0f, 0x0b };
	uintptr_t block = addr & -(uintptr_t)RP_TRAMP_SIZE, key;
	uint8_t bytes[RP_TRAMP_SIZE];
	int32_t offset;

	if (!may_be_tramp(addr) ||
	    !is_loaded(object, block, RP_TRAMP_SIZE, PF_R | PF_X))
		return false;
	memcpy(bytes, (const void *)block, sizeof(bytes));
	if (memcmp(bytes + RP_TRAMP_UD_OFFSET, ud2, sizeof(ud2)) ||
	    memcmp(bytes + RP_TRAMP_ENDBR_OFFSET,
		   addr == block + RP_TRAMP_JMP_OFFSET ? int3s : endbr, 4))
		return false;
	memcpy(&offset, bytes, sizeof(offset));
	key = block + (uintptr_t)(intptr_t)offset;
	return is_tramp_jump(bytes + RP_TRAMP_JMP_OFFSET,
			     block + RP_TRAMP_JMP_OFFSET, key) &&
	       is_key(object, key);
}

/* struct search - an entry that may belong to any loaded object. */
struct search {
	uintptr_t addr;
	bool is_tramp;
};

static int search_object(struct dl_phdr_info *info, size_t size, void *data)
{
	struct search *search = data;
	struct rp__relocs_object object = {
		.base = info->dlpi_addr,
		.phdr = info->dlpi_phdr,
		.phnum = info->dlpi_phnum,
	};

	(void)size;
	if (!is_loaded(&object, search->addr, 1, PF_R | PF_X))
		return 0;
	/* Read here: on our return the object may be unloaded. */
	search->is_tramp = is_tramp(&object, search->addr);
	return 1;
}

/* True if the GOT entry at @slot holds a trampoline, of whatever object. */
static bool is_tramp_slot(const struct rp__relocs_object *object,
			  uintptr_t slot)
{
	struct search search = { 0 };

	if (slot % sizeof(slot) || !is_loaded(object, slot, sizeof(slot), PF_R))
		return false;
	memcpy(&search.addr, (const void *)slot, sizeof(search.addr));
	if (!may_be_tramp(search.addr))
		return false;
	if (is_tramp(object, search.addr))
		return true;
	dl_iterate_phdr(search_object, &search);
	return search.is_tramp;
}

/* Programs have many branches to few places: what was seen is kept. */
static bool leads_to_tramp(struct reader *r, const struct rp__insn *insn)
{
	bool slot = insn->type == RP__INSN_CALL_MEM ||
		    insn->type == RP__INSN_JMP_MEM;
	uint64_t hash = (insn->target >> 2) * 0x9e3779b97f4a7c15u;
	struct seen *seen = &r->work->seen[hash >> (64 - SEEN_BITS)];

	if (!slot && !may_be_tramp(insn->target))
		return false;
	if (seen->addr != insn->target || seen->is_slot != slot) {
		seen->is_tramp = slot ? is_tramp_slot(r->object, insn->target) :
					is_tramp(r->object, insn->target);
		seen->addr = insn->target;
		seen->is_slot = slot;
	}
	return seen->is_tramp;
}

/* The branch whose displacement is at @pos; else @ret stays as it is. */
static void find_direct(const struct text *text, uint64_t pos,
			struct branch *ret)
{
	const uint8_t *at = text->bytes + pos;

	if (pos >= 1 && at[-1] == 0xe8)
		*ret = (struct branch){ RP_SITE_CALL, 1 };
	else if (pos >= 1 && at[-1] == 0xe9)
		*ret = (struct branch){ RP_SITE_JMP, 1 };
	else if (pos >= 2 && at[-2] == 0x0f && (at[-1] & 0xf0) == 0x80)
		*ret = (struct branch){ RP_SITE_JCC, 2 };
}

/* A branch through memory that is no GOT entry: an ops table's, perhaps. */
static bool is_op(const struct text *text, uint64_t pos)
{
	const uint8_t *at = text->bytes + pos;

	return pos >= 2 && at[-2] == 0xff && (at[-1] == 0x15 || at[-1] == 0x25);
}

/* The same for @GOTPCREL, where linkers other than GNU ld leave @pos alone. */
static void find_got(const struct text *text, uint64_t pos, struct branch *ret)
{
	const uint8_t *at = text->bytes + pos;

	if (pos < 2)
		return;
	if ((at[-2] == 0xff && at[-1] == 0x15) ||
	    (at[-2] == 0x67 && at[-1] == 0xe8))
		*ret = (struct branch){ RP_SITE_CALL_GOT, 2 };
	else if ((at[-2] == 0xff && at[-1] == 0x25) ||
		 (at[-2] == 0xe9 && at[3] == 0x90))
		*ret = (struct branch){ RP_SITE_JMP_GOT, 2 };
}

static int read_rela(struct reader *r, const struct text *text,
		     const Elf64_Rela *rela)
{
	uint32_t type = ELF64_R_TYPE(rela->r_info);
	bool direct = type == R_X86_64_PLT32 || type == R_X86_64_PC32;
	bool got = type == R_X86_64_GOTPCRELX || type == R_X86_64_GOTPCREL;
	uint64_t pos = rela->r_offset - text->start;
	struct branch branch = { 0 };
	struct rp__insn insn;
	const uint8_t *at;

	if (!direct && !got)
		return 0;
	if (pos > text->size || text->size - pos < FIELD_SIZE)
		return -EILSEQ;
	if (direct && is_op(text, pos) && r->object->found_op)
		return r->object->found_op(r->data,
					   (uintptr_t)text->bytes + pos - 2);
	if (direct)
		find_direct(text, pos, &branch);
	else
		find_got(text, pos, &branch);
	if (!branch.kind)
		return 0;
	at = text->bytes + pos - branch.back;
	if (rp__insn_decode(at, branch.back + FIELD_SIZE, (uintptr_t)at,
			    &insn) < 0 || !leads_to_tramp(r, &insn))
		return 0;
	r->count += r->count < INT_MAX;
	return r->found(r->data, (uintptr_t)at, branch.kind);
}

static int read_relas(struct reader *r, const struct text *text,
		      const Elf64_Shdr *section)
{
	uint64_t left = section->sh_size / sizeof(Elf64_Rela);
	uint64_t offset = section->sh_offset;
	int rc = 0;

	while (left && !rc) {
		size_t n = left < RELAS_AT_ONCE ? left : RELAS_AT_ONCE;

		rc = file_read(r, offset, r->work->relas, n * sizeof(Elf64_Rela));
		for (size_t i = 0; i < n && !rc; i++)
			rc = read_rela(r, text, &r->work->relas[i]);
		offset += n * sizeof(Elf64_Rela);
		left -= n;
	}
	return rc;
}

/* Memory is the same as the file for @len bytes, as far as it is loaded. */
static int same_bytes(const struct reader *r, uint64_t offset, uintptr_t addr,
		      size_t len)
{
	uint8_t bytes[NOTE_SIZE_MAX];
	int rc;

	if (!is_loaded(r->object, addr, len, PF_R))
		return 0;
	rc = file_read(r, offset, bytes, len);
	if (rc < 0)
		return rc;
	return memcmp(bytes, (const void *)addr, len) ? -ESTALE : 0;
}

/* A segment's part in the proof: the ELF header, or notes (build ID). */
static int same_segment(const struct reader *r, const ElfW(Phdr) *p)
{
	uintptr_t addr = r->object->base + p->p_vaddr;
	size_t len = p->p_filesz < NOTE_SIZE_MAX ? p->p_filesz : NOTE_SIZE_MAX;

	if (p->p_type == PT_NOTE)
		return same_bytes(r, p->p_offset, addr, len);
	if (p->p_type != PT_LOAD)
		return 0;
	/* A page behind the end of its file cannot be read in memory either. */
	if (p->p_offset > r->size || p->p_filesz > r->size - p->p_offset)
		return -ESTALE;
	if (p->p_offset == 0 && p->p_filesz >= sizeof(Elf64_Ehdr))
		return same_bytes(r, 0, addr, sizeof(Elf64_Ehdr));
	return 0;
}

/*
 * Is the file the one that was loaded? Paths are reused: a package is
 * upgraded, a program is linked again, while its old version runs.
 */
static int file_is_loaded(const struct reader *r, const Elf64_Ehdr *ehdr,
			  uint64_t phnum)
{
	int rc = 0;

	if (phnum != (uint64_t)r->object->phnum)
		return -ESTALE;
	for (int i = 0; i < r->object->phnum && !rc; i++) {
		Elf64_Phdr phdr;

		rc = file_read(r, ehdr->e_phoff + (uint64_t)i * sizeof(phdr),
			       &phdr, sizeof(phdr));
		if (!rc && memcmp(&phdr, &r->object->phdr[i], sizeof(phdr)))
			rc = -ESTALE;
	}
	for (int i = 0; i < r->object->phnum && !rc; i++)
		rc = same_segment(r, &r->object->phdr[i]);
	return rc;
}

/* struct headers - the ELF header, with what overflows into section 0. */
struct headers {
	Elf64_Ehdr ehdr;
	uint64_t shnum;
	uint64_t phnum;
};

static int section_read(const struct reader *r, const struct headers *h,
			uint64_t index, Elf64_Shdr *ret, size_t n)
{
	return file_read(r, h->ehdr.e_shoff + index * sizeof(*ret), ret,
			 n * sizeof(*ret));
}

static bool is_text(const Elf64_Shdr *section)
{
	uint64_t flags = SHF_ALLOC | SHF_EXECINSTR;

	return section->sh_type == SHT_PROGBITS &&
	       (section->sh_flags & flags) == flags;
}

/* The first section of interest: is it worth the rest of the checks? */
static int begin(struct reader *r, const struct headers *h)
{
	int rc;

	if (r->work)
		return 0;
	rc = file_is_loaded(r, &h->ehdr, h->phnum);
	if (rc < 0)
		return rc;
	r->work = rp__map(sizeof(*r->work));
	return r->work ? 0 : -ENOMEM;
}

static int read_section(struct reader *r, const struct headers *h,
			const Elf64_Shdr *relas)
{
	Elf64_Shdr target;
	struct text text;
	uintptr_t addr;
	int rc;

	if (relas->sh_type != SHT_RELA || relas->sh_flags & SHF_ALLOC)
		return 0;
	if (relas->sh_info >= h->shnum)
		return -EILSEQ;
	rc = section_read(r, h, relas->sh_info, &target, 1);
	if (rc < 0 || !is_text(&target))
		return rc;
	if (relas->sh_entsize != sizeof(Elf64_Rela) ||
	    relas->sh_size % sizeof(Elf64_Rela) || relas->sh_size > r->budget)
		return -EILSEQ;
	r->budget -= relas->sh_size;
	if (!relas->sh_size)
		return 0;
	rc = begin(r, h);
	if (rc < 0)
		return rc;
	addr = r->object->base + target.sh_addr;
	if (!is_loaded(r->object, addr, target.sh_size, PF_R | PF_X))
		return -EILSEQ;
	text = (struct text){ target.sh_addr, target.sh_size,
			      (const uint8_t *)addr };
	return read_relas(r, &text, relas);
}

static int read_sections(struct reader *r, const struct headers *h)
{
	Elf64_Shdr sections[SECTIONS_AT_ONCE];
	int rc = 0;

	for (uint64_t i = 0; i < h->shnum && !rc; i += SECTIONS_AT_ONCE) {
		size_t n = h->shnum - i < SECTIONS_AT_ONCE ?
				   h->shnum - i : SECTIONS_AT_ONCE;

		rc = section_read(r, h, i, sections, n);
		for (size_t j = 0; j < n && !rc; j++)
			rc = read_section(r, h, &sections[j]);
	}
	return rc;
}

static bool is_x86_64(const Elf64_Ehdr *ehdr)
{
	return !memcmp(ehdr->e_ident, ELFMAG, SELFMAG) &&
	       ehdr->e_ident[EI_CLASS] == ELFCLASS64 &&
	       ehdr->e_ident[EI_DATA] == ELFDATA2LSB &&
	       ehdr->e_machine == EM_X86_64 &&
	       (ehdr->e_type == ET_EXEC || ehdr->e_type == ET_DYN) &&
	       ehdr->e_phentsize == sizeof(Elf64_Phdr);
}

static int headers_read(const struct reader *r, struct headers *ret)
{
	Elf64_Shdr first;
	int rc = file_read(r, 0, &ret->ehdr, sizeof(ret->ehdr));

	if (rc < 0)
		return rc;
	if (!is_x86_64(&ret->ehdr))
		return -EILSEQ;
	ret->shnum = ret->ehdr.e_shnum;
	ret->phnum = ret->ehdr.e_phnum;
	/* Without section headers: stripped of them, which is nothing wrong. */
	if (!ret->ehdr.e_shoff) {
		ret->shnum = 0;
		return 0;
	}
	if (ret->ehdr.e_shentsize != sizeof(Elf64_Shdr))
		return -EILSEQ;
	if (ret->shnum && ret->phnum != PN_XNUM)
		return 0;
	rc = section_read(r, ret, 0, &first, 1);
	if (rc < 0)
		return rc;
	if (!ret->shnum)
		ret->shnum = first.sh_size;
	if (ret->phnum == PN_XNUM)
		ret->phnum = first.sh_info;
	/* Keeps what is computed from it within 64 bits. */
	return ret->shnum > r->size / sizeof(first) ? -EILSEQ : 0;
}

static int read_file(struct reader *r)
{
	struct headers headers;
	struct stat st;
	int rc;

	if (fstat(r->fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EILSEQ;
	r->size = r->budget = (uint64_t)st.st_size;
	rc = headers_read(r, &headers);
	if (!rc)
		rc = read_sections(r, &headers);
	if (r->work)
		rp__unmap(r->work, sizeof(*r->work));
	return rc < 0 ? rc : r->count;
}

int rp__relocs_read(const struct rp__relocs_object *object,
		    rp__relocs_fn *found, void *data)
{
	struct reader r = { .object = object, .found = found, .data = data };
	int rc;

	/* O_NONBLOCK: somebody may have put a FIFO in its place. */
	r.fd = open(object->path,
		    O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (r.fd < 0)
		return -errno;
	rc = read_file(&r);
	close(r.fd);
	return rc;
}

#else

/* Without trampolines there are no branches to them. */
int rp__relocs_read(const struct rp__relocs_object *object,
		    rp__relocs_fn *found, void *data)
{
	(void)object;
	(void)found;
	(void)data;
	return 0;
}

#endif
