# SPDX-License-Identifier: MIT
"""Symbols of applied payloads, for gdb.

    (gdb) source .../share/repoint/gdb/repoint-gdb.py
    (gdb) repoint-symbols

finds the records of applied payloads in the process or core file and loads the
symbols and the unwind information in them. Records are described in record.md;
those of versions that this script does not know are left alone.
"""

import atexit
import os
import re
import struct
import tempfile

import gdb

MAGIC = b"RPLIVE\0\0"
VERSION = 1
PAYLOAD = 1
STATES = {2: "being applied", 3: "applied", 4: "being reverted"}

# struct rp_region; from struct rp_record what is needed here.
REGION = struct.Struct("<8sIIQQII")
TEXT = (208, struct.Struct("<QQ"))
NAME = (336, struct.Struct("<I"))
STRINGS = (400, struct.Struct("<II"))
SYMBOL_FILE = (408, struct.Struct("<II"))
RECORD_SIZE = 392
RECORD_MAX = 64 << 20


def read(address, size):
    try:
        return gdb.selected_inferior().read_memory(address, size).tobytes()
    except gdb.MemoryError:
        return None


def mapping_starts():
    """Where private memory begins: of a process, or what a core file holds."""
    starts = set()
    for command, pattern in (
        ("info proc mappings", r"^\s*0x([0-9a-f]+)\s+0x[0-9a-f]+\s"),
        ("info files", r"^\s*0x([0-9a-f]+) - 0x[0-9a-f]+ is load"),
    ):
        try:
            text = gdb.execute(command, to_string=True)
        except gdb.error:
            continue
        for line in text.splitlines():
            match = re.match(pattern, line)
            if match and "/" not in line:
                starts.add(int(match.group(1), 16))
    return sorted(starts)


def records():
    for base in mapping_starts():
        head = read(base, REGION.size)
        if head is None or not head.startswith(MAGIC):
            continue
        _, version, kind, own, _, state, size = REGION.unpack(head)
        if own != base or kind != PAYLOAD or state not in STATES:
            continue
        if version != VERSION:
            print("repoint: 0x%x: record of version %d, not known here"
                  % (base, version))
            continue
        data = read(base, size) if RECORD_SIZE <= size <= RECORD_MAX else None
        if data is None:
            print("repoint: 0x%x: damaged record" % base)
            continue
        yield base, state, data


def field(record, where):
    return where[1].unpack_from(record, where[0])


def name_of(record):
    start = field(record, STRINGS)[0] + field(record, NAME)[0]
    return record[start:].split(b"\0", 1)[0].decode("utf-8", "replace")


def is_known(address):
    try:
        text = gdb.execute("info symbol 0x%x" % address, to_string=True)
    except gdb.error:
        return False
    return not text.startswith("No symbol matches")


class RepointSymbols(gdb.Command):
    """Load the symbols of payloads that Repoint applied.

Usage: repoint-symbols

Those that are no longer applied are forgotten. Programs that have gdb's JIT
interface need it not: gdb knows the symbols already."""

    def __init__(self):
        super().__init__("repoint-symbols", gdb.COMMAND_FILES)
        self.loaded = {}
        atexit.register(self.remove_files)

    def remove_files(self):
        for _, path in self.loaded.values():
            os.unlink(path)
        self.loaded.clear()

    def forget(self):
        for text, _ in self.loaded.values():
            try:
                gdb.execute("remove-symbol-file -a 0x%x" % text,
                            to_string=True)
            except gdb.error:
                pass
        self.remove_files()

    def load(self, base, text, symbols):
        fd, path = tempfile.mkstemp(prefix="repoint-", suffix=".sym")
        with os.fdopen(fd, "wb") as out:
            out.write(symbols)
        self.loaded[base] = (text, path)
        confirm = gdb.parameter("confirm")
        gdb.execute("set confirm off")
        try:
            gdb.execute('add-symbol-file "%s"' % path, to_string=True)
        finally:
            gdb.execute("set confirm %s" % ("on" if confirm else "off"))

    def invoke(self, argument, from_tty):
        self.forget()
        found = False
        for base, state, record in records():
            found = True
            text, size = field(record, TEXT)
            offset, length = field(record, SYMBOL_FILE)
            symbols = record[offset:offset + length]
            what = "%s: %s, code at 0x%x-0x%x" % (
                name_of(record), STATES[state], text, text + size)
            if not length or len(symbols) != length:
                print("%s: has no symbols" % what)
            elif is_known(text):
                print("%s: symbols are known" % what)
            else:
                self.load(base, text, symbols)
                print("%s: symbols loaded" % what)
        if not found:
            print("no payload is applied")


RepointSymbols()
