# SPDX-License-Identifier: MIT
"""What a change of source changed, found without the differ.

An object's functions are put into words: objdump disassembles, and each operand
that a relocation or a jump makes is replaced by what it refers to: a name, an
instruction's number, or the content of what has no name. Two functions are the
same if their words are. The versions to compare are compiled with
the same line numbers, so that nothing else differs.
"""

import bisect
import re
import struct
import subprocess

SHT_RELA, SHT_SYMTAB, SHT_NOBITS = 4, 2, 8
SHF_WRITE, SHF_ALLOC, SHF_MERGE, SHF_STRINGS = 0x1, 0x2, 0x10, 0x20
STT_OBJECT, STT_FUNC, STT_SECTION = 1, 2, 3
PC_RELATIVE = {2, 4, 24}                        # PC32, PLT32, PC64
GOT = {9, 41, 42, 22, 19, 20, 34}               # GOTPCREL*, TLS of the GOT

LINE = re.compile(r"^ *([0-9a-f]+):\t(.*)$")
TARGET = re.compile(r"\b([0-9a-f]+) <[^>]*>$")
RIP = re.compile(r"-?0x[0-9a-f]+\(%rip\)")
NUMBERED = re.compile(r"\.(?:lto_priv\.)?\d+(?=\.|$)")


def plain_name(name):
    """A name without what the compiler numbers."""
    return NUMBERED.sub("", name)


def root_name(name):
    """The function that a part or a name belongs to."""
    return plain_name(name).replace(".cold", "")


class Section:
    def __init__(self, fields, data):
        (self.name_at, self.type, self.flags, _, self.offset, self.size,
         self.link, self.info, _, self.entsize) = fields
        self.data = b"" if self.type == SHT_NOBITS else \
            data[self.offset:self.offset + self.size]
        self.relocs = {}
        self.symbols = []
        self.starts = set()


class Symbol:
    def __init__(self, name, info, shndx, value, size):
        self.name, self.shndx, self.value, self.size = name, shndx, value, size
        self.type, self.bind = info & 15, info >> 4

    def is_named(self):
        return self.name and self.type != STT_SECTION and \
            not self.name.startswith(".L")


class Object:
    """A relocatable file for x86-64."""

    def __init__(self, path):
        with open(path, "rb") as file:
            data = file.read()
        self.path = path
        self._read_sections(data)
        self._read_symbols()
        self._read_relocs()
        self._insns, self._starts = {}, {}
        self._listing = None

    def _read_sections(self, data):
        at, = struct.unpack_from("<Q", data, 0x28)
        count, names = struct.unpack_from("<HH", data, 0x3c)
        if not count:
            count, = struct.unpack_from("<Q", data, at + 32)
        if names == 0xffff:
            names, = struct.unpack_from("<I", data, at + 40)
        self.sections = [
            Section(struct.unpack_from("<IIQQQQIIQQ", data, at + 64 * i), data)
            for i in range(count)]
        strings = self.sections[names].data
        for section in self.sections:
            section.name = cstring(strings, section.name_at)

    def _read_symbols(self):
        self.symbols = []
        for table in self.sections:
            if table.type != SHT_SYMTAB:
                continue
            strings = self.sections[table.link].data
            for name, info, _, shndx, value, size in \
                    struct.iter_unpack("<IBBHQQ", table.data):
                symbol = Symbol(cstring(strings, name), info, shndx, value, size)
                if symbol.type == STT_SECTION:
                    symbol.name = self.sections[shndx].name
                self.symbols.append(symbol)
                if 0 < shndx < len(self.sections):
                    self.sections[shndx].starts.add(value)
                    if symbol.is_named():
                        self.sections[shndx].symbols.append(symbol)

    def _read_relocs(self):
        for table in self.sections:
            if table.type != SHT_RELA:
                continue
            section = self.sections[table.info]
            if not section.flags & SHF_ALLOC:
                continue
            for offset, info, addend in struct.iter_unpack("<QQq", table.data):
                section.relocs[offset] = (info & 0xffffffff,
                                          self.symbols[info >> 32], addend)

    def functions(self):
        """Named functions: (symbol, words)."""
        for symbol in self.symbols:
            # GCC's second name for a function, of its own.
            if symbol.name.endswith(".localalias"):
                continue
            if symbol.type == STT_FUNC and \
                    0 < symbol.shndx < len(self.sections) and symbol.size:
                yield symbol, self._words(symbol)

    def variables(self):
        """Named variables with content of their own: (symbol, content)."""
        for symbol in self.symbols:
            if symbol.type == STT_OBJECT and symbol.is_named() and \
                    0 < symbol.shndx < len(self.sections):
                yield symbol, self._content(symbol.shndx, symbol.value,
                                            symbol.size, ())

    def is_writable(self, symbol):
        section = self.sections[symbol.shndx]
        return section.flags & SHF_WRITE and \
            not section.name.startswith(".data.rel.ro")

    def _lines(self, shndx):
        """Instructions of a section: sorted (offset, text)."""
        if self._listing is None:
            self._listing = self._disassemble()
        return self._listing.get(shndx, [])

    def _disassemble(self):
        text = subprocess.run(
            ["objdump", "-dw", "--no-show-raw-insn", self.path],
            check=True, capture_output=True, text=True).stdout
        # Groups may have sections of equal names: objdump keeps their order.
        code = [i for i, s in enumerate(self.sections)
                if s.flags & 4 and s.size and s.type == 1]
        listing, current = {}, None
        for line in text.splitlines():
            if line.startswith("Disassembly of section "):
                name = line[len("Disassembly of section "):-1]
                index = next(i for i in code
                             if self.sections[i].name == name)
                code.remove(index)
                current = listing[index] = []
            else:
                match = LINE.match(line)
                if match:
                    current.append((int(match.group(1), 16), match.group(2)))
        return listing

    def _instructions(self, function):
        """(offset, end, text) of those that are not fill."""
        key = (function.shndx, function.value, function.size)
        if key not in self._insns:
            lines = self._lines(function.shndx)
            ends = [at for at, _ in lines[1:]] + \
                [self.sections[function.shndx].size]
            self._insns[key] = [
                (at, end, text) for (at, text), end in zip(lines, ends)
                if function.value <= at < function.value + function.size and
                not is_fill(text)]
        return self._insns[key]

    def _number(self, function, offset):
        """Which instruction of the function is at or behind an offset."""
        key = (function.shndx, function.value, function.size)
        if key not in self._starts:
            self._starts[key] = [i[0] for i in self._instructions(function)]
        return bisect.bisect_left(self._starts[key], offset)

    def _words(self, function):
        words = []
        section = self.sections[function.shndx]
        for at, end, text in self._instructions(function):
            refs = [self._ref(section.relocs[r], end - r)
                    for r in range(at, end) if r in section.relocs]
            text = text.split("#")[0].rstrip() if refs else text
            text, target = without_target(text)
            if refs:
                text = RIP.sub("(%rip)", text)
            elif target is not None:
                text = RIP.sub("(%rip)", text)
                refs = [self._place(function.shndx, target, ())]
            words.append(" ".join([text] + refs))
        return words

    def _ref(self, reloc, to_end):
        """What an instruction's relocation refers to."""
        kind, symbol, addend = reloc
        if kind in PC_RELATIVE:
            addend += to_end
        elif kind in GOT:
            addend = 0
        return self._target(kind, symbol, addend, ())

    def _target(self, kind, symbol, addend, seen):
        got = "got:" if kind in GOT else ""
        if not 0 < symbol.shndx < len(self.sections):
            return f"{got}{symbol.name}{addend:+d}"
        return got + self._place(symbol.shndx, symbol.value + addend, seen)

    def _place(self, shndx, offset, seen):
        section = self.sections[shndx]
        for symbol in section.symbols:
            if symbol.value <= offset < symbol.value + max(symbol.size, 1):
                return self._named(symbol, offset, seen)
        if section.flags & SHF_WRITE and \
                not section.name.startswith(".data.rel.ro"):
            return f"{section.name}{offset:+d}"
        if section.flags & SHF_STRINGS:
            return repr(cstring(section.data, offset, section.entsize))
        if section.flags & SHF_MERGE:
            return section.data[offset:offset + section.entsize].hex()
        return self._content(shndx, offset, self._extent(section, offset), seen)

    def _named(self, symbol, offset, seen):
        name = plain_name(symbol.name)
        if symbol.type == STT_FUNC:
            return f"{name}@{self._number(symbol, offset)}"
        where = f"{name}{offset - symbol.value:+d}"
        if symbol.type != STT_OBJECT or self.is_writable(symbol):
            return where
        return where + "=" + self._content(symbol.shndx, symbol.value,
                                           symbol.size, seen)

    def _extent(self, section, offset):
        """Up to the next thing that anything refers to."""
        if not hasattr(self, "_all_starts"):
            self._all_starts = True
            for other in self.sections:
                for at, (kind, symbol, addend) in other.relocs.items():
                    if symbol.type == STT_SECTION and \
                            not other.name.startswith(".rodata"):
                        adjust = 4 if kind in PC_RELATIVE else 0
                        self.sections[symbol.shndx].starts.add(
                            symbol.value + addend + adjust)
        later = [s for s in section.starts if s > offset]
        return min(later + [section.size]) - offset

    def _content(self, shndx, start, size, seen):
        section = self.sections[shndx]
        if (shndx, start) in seen:
            return "again"
        seen = seen + ((shndx, start),)
        words, at, raw = [], start, b""
        while at < start + size:
            if at not in section.relocs:
                raw += section.data[at:at + 1]
                at += 1
                continue
            kind, symbol, addend = section.relocs[at]
            if kind in PC_RELATIVE:             # a table of distances
                addend -= at - start
            words += [raw.hex(), self._target(kind, symbol, addend, seen)]
            raw = b""
            at += 8 if kind in (1, 24) else 4
        # Fill between what is anonymous and what comes next.
        return "[" + " ".join(words + [raw.rstrip(b"\0").hex()]) + "]"


def cstring(data, offset, width=1):
    width = width or 1
    end = offset
    while any(data[end:end + width]):
        end += width
    return data[offset:end].decode("latin1")


def is_fill(text):
    return re.match(r"(data16 |cs )*(nop|xchg +%ax,%ax$)", text) is not None


def without_target(text):
    """A jump's or call's target, or one that objdump computed, taken off."""
    text, _, comment = text.partition("#")
    text = text.rstrip()
    match = TARGET.search(comment or text)
    if not match:
        return text, None
    if not comment:
        text = text[:match.start()].rstrip()
    return text, int(match.group(1), 16)


def by_name(pairs):
    result = {}
    for symbol, words in pairs:
        result.setdefault(plain_name(symbol.name), []).append(words)
    return {name: sorted(words) for name, words in result.items()}


def changed_functions(old, new):
    """Names of functions that are in both and differ."""
    a, b = by_name(old.functions()), by_name(new.functions())
    both = {root_name(n) for n in a} & {root_name(n) for n in b}
    return {root_name(n) for n in a.keys() | b.keys()
            if a.get(n) != b.get(n)} & both


def changed_variables(old, new):
    """Names of writable variables that are in both and differ."""
    a = by_name(v for v in old.variables() if old.is_writable(v[0]))
    b = by_name(v for v in new.variables() if new.is_writable(v[0]))
    return {n for n in a.keys() & b.keys()
            if len(a[n]) == len(b[n]) and a[n] != b[n]}
