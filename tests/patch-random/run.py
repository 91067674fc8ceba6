#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Random small changes to real sources: the differ against an oracle.

Environment: RP_TOOL, RP_BUILD (for how sources are compiled), RP_SOURCE;
RP_RANDOM_COUNT edits (150) from RP_RANDOM_SEED (1; "random": any); RP_RANDOM_DIR
keeps pairs on which the two do not agree; RP_RANDOM_CASE, as a failure prints it,
repeats one.
"""

import concurrent.futures
import json
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True          # not beside the sources

import edits
import oracle

TOOL = os.environ["RP_TOOL"]
BUILD = os.environ["RP_BUILD"]
SOURCE = os.path.realpath(os.environ["RP_SOURCE"])
HERE = os.path.dirname(os.path.realpath(__file__))
KEEP = os.environ.get("RP_RANDOM_DIR", "")

SECTIONS = ["-ffunction-sections", "-fdata-sections"]
# The first ones are what programs are built with.
OPTIONS = [
    ["-O2", "-fPIC"] + SECTIONS, ["-O2", "-fPIE"] + SECTIONS,
    ["-O2", "-fno-pic"] + SECTIONS, ["-O3", "-fPIC"] + SECTIONS,
    ["-Os", "-fPIE"] + SECTIONS, ["-O0", "-fPIC"] + SECTIONS,
    ["-O2", "-fPIC"], ["-O2", "-fno-pic"],
]
WEIGHTS = [6, 4, 3, 3, 2, 2, 3, 1]
EDITS_OF_A_FILE = 12
PLT32 = 4
LINKERS = ["_GLOBAL_OFFSET_TABLE_", "_DYNAMIC", "__dso_handle"]

# What a person has to decide, or what no patch can do: not for the differ.
REFUSALS = ["compile with -ffunction-sections", "runs before main only"]


class Failure(Exception):
    pass


def run(command, cwd=None):
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True)


def build_options():
    """For each C source of the build its -I, -D and -std."""
    with open(os.path.join(BUILD, "compile_commands.json")) as file:
        commands = json.load(file)
    result = {}
    for entry in commands:
        path = os.path.realpath(os.path.join(entry["directory"], entry["file"]))
        if not path.endswith(".c"):
            continue
        options = []
        for word in shlex.split(entry["command"]):
            if word.startswith("-I"):
                options.append("-I" + os.path.realpath(
                    os.path.join(entry["directory"], word[2:])))
            elif word.startswith(("-D", "-std")):
                options.append(word)
        result.setdefault(path, options)
    return result


def sources():
    """(path, options) of what is edited; our own file comes often."""
    mine = os.path.join(HERE, "shapes.c")
    found = []
    for path, options in sorted(build_options().items()):
        name = os.path.relpath(path, SOURCE)
        if re.match(r"(src|payload|patch|tools/patch)/\w+\.c$|object/[\w/]+\.c$", name):
            with open(path) as file:
                if file.read().count("\n{\n") >= 8:
                    options = ["-I" + os.path.dirname(path)] + options
                    found.append((path, options))
    return [(mine, ["-std=gnu11"])] * max(1, len(found) // 3) + found


class Version:
    """One version of a source in a directory of its own."""

    def __init__(self, base, which, unit, text, same_lines):
        self.base, self.unit = base, unit
        self.dir = os.path.join(base, which)
        os.makedirs(self.dir)
        self.object = os.path.join(self.dir, unit.name + ".o")
        self.plain = self.object        # for the oracle: with the old lines
        self.write(text)
        self.ok = self.compile(self.object)
        if self.ok and same_lines != text:
            self.plain = os.path.join(self.dir, unit.name + ".lines.o")
            self.write(same_lines)
            self.ok = self.compile(self.plain)
            self.write(text)

    def write(self, text):
        with open(os.path.join(self.dir, self.unit.name + ".c"), "w") as file:
            file.write(text)

    def compile(self, output):
        # Clang makes other code without -g: both are compiled with it.
        return run([self.unit.compiler, "-w", *self.unit.options, "-g", "-c",
                    self.unit.name + ".c", "-o", output],
                   cwd=self.dir).returncode == 0


class Unit:
    """A source, how it is compiled, and a binary that the old version is in."""

    def __init__(self, path, options, compiler, flags, base):
        self.path, self.compiler, self.flags = path, compiler, flags
        self.name = os.path.basename(path)[:-2]
        self.options = options + flags
        self.base = base
        with open(path) as file:
            self.text = file.read()
        self.old = Version(base, "old", self, self.text, self.text)
        if not self.old.ok:
            raise Failure(f"{path} cannot be compiled: {compiler} {flags}")
        self.oracle = oracle.Object(self.old.plain)
        self.binary = os.path.join(base, "binary")
        self.link()

    def link(self):
        """Whatever it needs and libc lacks is in a library beside it."""
        called = {s.name for section in self.oracle.sections
                  for kind, s, _ in section.relocs.values() if kind == PLT32}
        stub = os.path.join(self.base, "libstub")
        with open(stub + ".s", "w") as file:
            missing = {s.name for s in self.oracle.symbols if not s.shndx}
            for name in sorted(missing | {"main"}):
                if not name or is_in_libc(name) or name in LINKERS:
                    continue
                where, kind = (".text", "function") if name in called | {"main"} else \
                    (".data", "object")
                file.write(f"{where}\n.globl {name}\n.type {name}, @{kind}\n"
                           f".size {name}, 64\n{name}: .skip 64, 0xc3\n")
        done = run([self.compiler, "-shared", "-nostdlib", stub + ".s", "-o",
                    stub + ".so"])
        kind = ["-shared"] if "-fPIC" in self.flags else \
            ["-Wl,--export-dynamic",
             "-pie" if "-fPIE" in self.flags else "-no-pie"]
        if not done.returncode:
            done = run([self.compiler, *kind, self.old.object, stub + ".so",
                        "-Wl,--no-as-needed", "-lm", "-lc", "-Wl,--build-id",
                        "-o", self.binary])
        if done.returncode:
            raise Failure(f"{self.path} cannot be linked: {done.stderr}")


def is_in_libc(name):
    return f" {name}\n" in LIBC or f" {name}@" in LIBC


def libc_symbols():
    names = ""
    for library in ["libc.so.6", "libm.so.6"]:
        path = run(["cc", f"-print-file-name={library}"]).stdout.strip()
        names += run(["nm", "-D", "--defined-only", path]).stdout
    return names


def diff(unit, new, base):
    result = run([TOOL, "patch", "diff", "--json", "--binary", unit.binary,
                  "-o", os.path.join(base, "x.rpp"), unit.old.object, new.object])
    try:
        return result.returncode, json.loads(result.stdout), result.stderr
    except json.JSONDecodeError:
        raise Failure(f"exit status {result.returncode}, no report: "
                      f"{result.stderr}") from None


def judge(name, unit, new, base):
    """Does the differ find what the oracle finds? Return: a word for the count."""
    edited = oracle.Object(new.plain)
    expected = oracle.changed_functions(unit.oracle, edited)
    data = oracle.changed_variables(unit.oracle, edited)
    if name in edits.NEUTRAL and name != "renamed_local" and expected:
        raise Failure(f"the oracle: {name} changed {sorted(expected)}")
    status, report, errors = diff(unit, new, base)
    found = {oracle.root_name(p["name"]) for p in report["patched"]
             if p["kind"] == "replaced" or
             p["kind"] == "added" and oracle.root_name(p["name"]) in expected}
    if status == 2:
        refused = [f["id"] + " " + f["where"] + " " + f["text"]
                   for f in report["findings"] if f["severity"] == "error"]
        if data and any(v in r for r in refused for v in data):
            return "refused"
        if refused and all(any(re.search(p, r) for p in REFUSALS)
                           for r in refused):
            return "refused"
        raise Failure(f"refused; expected {sorted(expected)}, data "
                      f"{sorted(data)}: {refused}")
    if data:
        raise Failure(f"changed data {sorted(data)} was not refused: {status}")
    if status not in (0, 3):
        raise Failure(f"exit status {status}: {errors}")
    if found != expected or (status == 3) != (not expected):
        raise Failure(f"missed {sorted(expected - found)}, false "
                      f"{sorted(found - expected)}, exit status {status}")
    return "patched" if expected else "same"


def one_edit(unit, name, seed):
    rnd = random.Random(seed)
    base = os.path.join(unit.base, f"{name}-{seed}")
    for attempt in range(12):
        source = edits.apply(name, unit.text, rnd)
        if not source:
            continue
        shutil.rmtree(base, ignore_errors=True)
        new = Version(base, "new", unit, source.text(), source.text(lines=True))
        if not new.ok:
            continue
        try:
            outcome = judge(name, unit, new, base)
        except (Failure, OSError) as failure:
            return "failed", str(failure), base
        shutil.rmtree(base)
        return outcome, "", ""
    shutil.rmtree(base, ignore_errors=True)
    return "impossible", "", ""


def describe(unit, name, seed):
    return ",".join([os.path.relpath(unit.path, SOURCE), unit.compiler,
                     "+".join(unit.flags), name, str(seed)])


def keep(unit, base, number):
    if not KEEP:
        return
    where = os.path.join(KEEP, str(number))
    shutil.rmtree(where, ignore_errors=True)
    shutil.copytree(base, where)
    shutil.copytree(unit.old.dir, os.path.join(where, "old"))
    for name in ["binary", "libstub.so"]:
        shutil.copy(os.path.join(unit.base, name), where)


def group(job):
    """Some edits of one source with one compiler."""
    path, options, compiler, flags, work, base = job
    results = []
    try:
        unit = Unit(path, options, compiler, flags, base)
    except Failure as failure:
        return [(path, "failed", str(failure))]
    for name, seed in work:
        outcome, message, where = one_edit(unit, name, seed)
        if outcome == "failed":
            keep(unit, where, seed)
        results.append((describe(unit, name, seed), outcome, message))
    shutil.rmtree(base)
    return results


def jobs(count, seed, base):
    rnd = random.Random(seed)
    compilers = [c for c in ("gcc", "clang") if shutil.which(c)]
    classes = list(edits.ALL)
    files, made, orders = sources(), 0, {True: [], False: []}
    while made < count:
        path, options = rnd.choice(files)
        flags = rnd.choices(OPTIONS, WEIGHTS)[0]
        mine, work = path.startswith(HERE), []
        for _ in range(min(EDITS_OF_A_FILE, count - made)):
            if not orders[mine]:
                orders[mine] = [c for c in rnd.sample(classes, len(classes))
                                if mine or c not in edits.RARE]
            work.append((orders[mine].pop(), rnd.randrange(1 << 32)))
        made += len(work)
        yield (path, options, rnd.choice(compilers), flags, work,
               os.path.join(base, str(made)))


def the_case(text, base):
    path, compiler, flags, name, seed = text.split(",")
    path = os.path.join(SOURCE, path)
    options = dict(sources())[path]
    yield path, options, compiler, flags.split("+"), [(name, int(seed))], \
        os.path.join(base, "case")


def report(results, seed):
    """TAP: one test for each class."""
    counts = {}
    for case, outcome, message in results:
        name = case.split(",")[3] if "," in case else "setup"
        counts.setdefault(name, []).append((case, outcome, message))
    for number, (name, found) in enumerate(sorted(counts.items()), 1):
        bad = [f for f in found if f[1] == "failed"]
        words = ", ".join(f"{sum(f[1] == w for f in found)} {w}" for w in (
            "patched", "same", "refused", "impossible", "failed")
            if any(f[1] == w for f in found))
        print(f"{'not ok' if bad else 'ok'} {number} - {name}: {words}")
        for case, _, message in bad:
            print(f"# RP_RANDOM_CASE={case}\n#   {message}", file=sys.stderr)
    print(f"1..{len(counts)}")
    return any(o == "failed" for _, o, _ in results)


def main():
    seed = os.environ.get("RP_RANDOM_SEED") or "1"
    if seed == "random":
        seed = str(random.randrange(1 << 32))
    count = int(os.environ.get("RP_RANDOM_COUNT") or 150)
    print(f"# RP_RANDOM_SEED={seed} RP_RANDOM_COUNT={count}", flush=True)
    with tempfile.TemporaryDirectory(prefix="repoint-random.") as base:
        case = os.environ.get("RP_RANDOM_CASE")
        work = the_case(case, base) if case else jobs(count, int(seed), base)
        with concurrent.futures.ProcessPoolExecutor(2) as pool:
            results = [r for group_results in pool.map(group, work)
                       for r in group_results]
    return report(results, seed)


if __name__ == "__main__":
    for needed in ("objdump", "nm", "cc"):
        if not shutil.which(needed):
            print(f"1..0 # SKIP no {needed}")
            sys.exit(0)
    LIBC = libc_symbols()
    sys.exit(main())
