# SPDX-License-Identifier: MIT
"""One small change to a C source, of a known class.

A source is a list of Line: its text and its number in the old version (None: it
is new). From that, text() makes the new version, and text(lines=True) the same
program with the old version's line numbers.
"""

import re

SKIP = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|'
    r'^[ \t]*#(?:[^\n\\]|\\.|\\\n)*', re.S | re.M)
NAME = re.compile(r"\b([A-Za-z_]\w*)\s*\(")
COMPARE = {" < ": " <= ", " <= ": " < ", " > ": " >= ", " >= ": " > ",
           " == ": " != ", " != ": " == ", " && ": " || ", " || ": " && ",
           " + ": " - ", " - ": " + "}


class NoEdit(Exception):
    """There is no place for an edit of this class."""


class Line:
    def __init__(self, text, number=None):
        self.text, self.number = text, number


class Function:
    """Lines first .. body .. last: declarator, its {, and its }."""

    def __init__(self, name, first, body, last, head):
        self.name, self.first, self.body, self.last = name, first, body, last
        self.head = head


class Source:
    def __init__(self, text):
        self.lines = [Line(t, i + 1) for i, t in enumerate(text.split("\n"))]
        # Same length, without comments, strings and the preprocessor's lines.
        masked = SKIP.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)
        self.masked = masked.split("\n")
        self.functions = list(self._find_functions())

    def _find_functions(self):
        last = -1
        for i, text in enumerate(self.masked):
            if text == "{":
                first = self._declarator(i, last)
                end = next((j for j in range(i, len(self.masked))
                            if self.masked[j].rstrip() == "}"), None)
                head = " ".join(self.masked[first:i])
                name = NAME.search(head)
                if name and end and "=" not in head:
                    yield Function(name.group(1), first, i, end, head)
            if text[:1] in "}" or text.endswith(";"):
                last = i

    def _declarator(self, body, last):
        first = body
        while first - 1 > last and self.masked[first - 1].strip():
            first -= 1
        return first

    def text(self, lines=False):
        out, expected = [], 1
        for line in self.lines:
            if lines and line.number and line.number != expected:
                out.append(f"#line {line.number}")
                expected = line.number
            out.append(line.text)
            expected += 1
        return "\n".join(out)

    def insert(self, before, texts):
        self.lines[before:before] = [Line(t) for t in texts]

    def statements(self, function):
        """Lines that are one whole statement each, and follow another."""
        depth, previous = 0, "{"
        for i in range(function.body + 1, function.last):
            text = self.masked[i].strip()
            if text and not depth and text.endswith(";") and \
                    previous[-1] in ";{}" and previous != "})" and \
                    text.count("(") == text.count(")") and \
                    not text.startswith(("{", "}", "case", "default")):
                yield i
            depth += text.count("(") - text.count(")")
            if self.lines[i].text.rstrip().endswith("\\"):
                previous = ","
            elif text:
                previous = text


def replaced(source, line, start, end, text):
    old = source.lines[line].text
    source.lines[line].text = old[:start] + text + old[end:]


def pick_function(source, rnd):
    functions = [f for f in source.functions if f.last - f.body > 3]
    if not functions:
        raise NoEdit
    return rnd.choice(functions)


def pick(rnd, found):
    found = list(found)
    if not found:
        raise NoEdit
    return rnd.choice(found)


def insert_code(source, rnd, text, function=None):
    function = function or pick_function(source, rnd)
    at = pick(rnd, source.statements(function))
    source.insert(at, text if isinstance(text, list) else [text])
    return function


def in_function(source, function, pattern, masked=True):
    for i in range(function.body + 1, function.last):
        text = source.masked[i] if masked else source.lines[i].text
        for match in re.finditer(pattern, text):
            yield i, match


def static_initializers(source, function):
    """Lines of them: a number there is data, which a patch does not change."""
    inside = False
    for i in range(function.body + 1, function.last):
        text = source.masked[i]
        inside = inside or re.search(r"\bstatic\b", text) is not None
        if inside:
            yield i
        inside = inside and ";" not in text


def constant(source, rnd):
    function = pick_function(source, rnd)
    data = set(static_initializers(source, function))
    line, match = pick(rnd, (found for found in in_function(
        source, function, r"(?<![\w.])(0|[1-9]\d*|0x[0-9a-f]+)(?![\w.])")
        if found[0] not in data))
    value = int(match.group(), 0)
    replaced(source, line, *match.span(),
             str(value + rnd.choice([1, 1, 2, 300])))


def comparison(source, rnd):
    function = pick_function(source, rnd)
    line, match = pick(rnd, in_function(
        source, function, "|".join(map(re.escape, COMPARE))))
    replaced(source, line, *match.span(), COMPARE[match.group()])


def branch(source, rnd):
    insert_code(source, rnd, "{ extern int getppid(void); if (getppid() == "
                f"{rnd.randrange(9, 999)}) __builtin_trap(); }}")


def call(source, rnd):
    caller = pick_function(source, rnd)
    callee = pick(rnd, [f for f in source.functions if f.body < caller.first])
    inside = callee.head[callee.head.index("(") + 1:callee.head.rindex(")")]
    count = 0 if inside.strip() == "void" else inside.count(",") + 1
    insert_code(source, rnd,
                f"(void){callee.name}({', '.join(['0'] * count)});", caller)


def new_string(source, rnd):
    insert_code(source, rnd, "{ extern int puts(const char *); "
                f'puts("edited {rnd.randrange(1000)}"); }}')


def string_changed(source, rnd):
    function = pick_function(source, rnd)
    line, match = pick(rnd, in_function(
        source, function, r'"[^"\\%]*([a-z])[^"\\%]*"', masked=False))
    if source.lines[line].text.lstrip().startswith(("#", "*", "/")):
        raise NoEdit
    letter = "x" if match.group(1) != "x" else "y"
    replaced(source, line, *match.span(1), letter)


def deletion(source, rnd):
    function = pick_function(source, rnd)
    lines = [i for i in source.statements(function) if re.match(
        r"\s+[\w>.\[\]-]+(\(.*\)| [-+|&]?= .*|\+\+|--);$", source.masked[i])]
    del source.lines[pick(rnd, lines)]


def new_function(source, rnd):
    function = pick_function(source, rnd)
    insert_code(source, rnd, "rp_edit_new(3);", function)
    source.insert(function.first, [
        "extern int getppid(void);",
        "static " + rnd.choice(["__attribute__((noinline)) ", ""]) +
        "int rp_edit_new(int v)", "{",
        f"\tif (getppid() == {rnd.randrange(9, 99)})", "\t\t__builtin_trap();",
        "\treturn v + getppid();", "}", ""])


def new_static(source, rnd):
    insert_code(source, rnd, "{ static volatile int rp_edit_count; "
                "if (++rp_edit_count > 7) __builtin_trap(); }")


def new_global(source, rnd):
    function = pick_function(source, rnd)
    insert_code(source, rnd, "rp_edit_global++;", function)
    source.insert(function.first, ["volatile int rp_edit_global = 5;"])


def local_struct(source, rnd):
    size = rnd.randrange(2, 99)
    insert_code(source, rnd, "{ volatile struct { int a, b[%d]; } rp_edit; "
                "rp_edit.b[1] = 1; }" % size)


def moved(source, rnd):
    """To the end, with a declaration where it was."""
    function = pick_function(source, rnd)
    lines = source.lines[function.first:function.last + 1]
    declarator = [Line(l.text) for l in
                  source.lines[function.first:function.body]]
    declarator[-1].text += ";"
    if any("__attribute__" in l.text or "#" in l.text for l in declarator):
        raise NoEdit
    source.lines[function.first:function.last + 1] = declarator
    source.lines += [Line("")] + lines + [Line("")]


def comment(source, rnd):
    insert_code(source, rnd, ["/*", " * Edited.", " */"])


def blank_top(source, rnd):
    source.insert(0, [""] * rnd.choice([1, 2, 7, 130, 300]))


def blank_middle(source, rnd):
    source.insert(pick_function(source, rnd).first,
                  [""] * rnd.choice([1, 2, 7, 130]))


def swapped_statics(source, rnd):
    one = re.compile(r"static [^(=]*( = [^{]*)?;$")
    at = pick(rnd, (i for i in range(len(source.lines) - 1)
                    if one.match(source.masked[i]) and
                    one.match(source.masked[i + 1])))
    source.lines[at], source.lines[at + 1] = \
        source.lines[at + 1], source.lines[at]


def new_case(source, rnd):
    function = pick_function(source, rnd)
    line, _ = pick(rnd, in_function(source, function, r"\bswitch \(.*\) \{$"))
    source.insert(line + 1, [f"case {rnd.choice([93, 1000003])}:",
                             "\t__builtin_trap();"])


def floating(source, rnd):
    function = pick_function(source, rnd)
    line, match = pick(rnd, in_function(source, function,
                                        r"(?<![\w.])\d+\.\d+"))
    replaced(source, line, *match.span(), match.group() + "5")


def initialised(source, pattern):
    """Lines inside of file-level initialisers whose head fits."""
    inside = False
    for i, text in enumerate(source.masked):
        if re.match(pattern, text) and text.rstrip().endswith("{"):
            inside = True
        elif text.startswith("}"):
            inside = False
        elif inside:
            yield i


def table_entry(source, rnd):
    line, match = pick(rnd, (
        (i, m) for i in initialised(source, r"(static )?const .*=|.*\bconst "
                                    r"\w+\[.*=")
        for m in re.finditer(r"(?<![\w.])[1-9]\d*(?![\w.])", source.masked[i])))
    replaced(source, line, *match.span(), str(int(match.group(), 0) + 1))


def initial_value(source, rnd):
    line, match = pick(rnd, (
        (i, m) for i, text in enumerate(source.masked)
        for m in re.finditer(r"^\t?static (?!const)[\w ]+ = ([1-9]\d*);$", text)))
    replaced(source, line, *match.span(1), str(int(match.group(1)) + 1))


def renamed_local(source, rnd):
    function = pick_function(source, rnd)
    _, match = pick(rnd, in_function(
        source, function, r"^\t(?:int|size_t|uint32_t|uint64_t|char|bool|long|"
        r"unsigned int|const char) \*?(\w+)(?: = [^,]*)?;$"))
    pattern = re.compile(r"(?<![\w.>])" + match.group(1) + r"\b(?!\()")
    for i in range(function.body + 1, function.last):
        for found in reversed(list(pattern.finditer(source.masked[i]))):
            replaced(source, i, *found.span(), found.group() + "_rp")


# Those that must not change any code, and the others.
NEUTRAL = {e.__name__: e for e in (
    comment, blank_top, blank_middle, swapped_statics, renamed_local)}
OTHERS = {e.__name__: e for e in (
    constant, comparison, branch, call, new_string, string_changed,
    deletion, new_function, new_static, new_global, local_struct, moved,
    new_case, floating, table_entry, initial_value)}
# For those there are too few places in most sources.
RARE = {"swapped_statics", "new_case", "floating", "table_entry",
        "initial_value"}
ALL = {**NEUTRAL, **OTHERS}


def apply(name, text, rnd):
    """The source after one edit of a class, or None."""
    source = Source(text)
    try:
        ALL[name](source, rnd)
    except NoEdit:
        return None
    return source
