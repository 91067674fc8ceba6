#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts what a `meson test` run found, TAP subtests one by one.

usage: testlog.py STAGE BUILD_DIR LOGBASE KNOWN_SKIPS SKIPS_OUT FAILURES_OUT

Prints "PASSED FAILED SKIPPED UNKNOWN" and appends to the two files a line
for each skip and each failure. UNKNOWN is the number of skips that no pattern
of KNOWN_SKIPS matches; their lines start with "unexpected". Python, because
Meson needs it anyway and its log is JSON.
"""
import fnmatch
import json
import os
import re
import sys

TAP_LINE = re.compile(r'(not )?ok\b\s*\d*\s*(?:- )?'
                      r'(.*?)(?:\s*#\s*(SKIP|TODO)\S*\s*(.*))?$', re.I)
TAP_SKIP_ALL = re.compile(r'1\.\.0\s*#\s*SKIP\S*\s*(.*)$', re.I)
SAID_SKIP = re.compile(r'^(?:# *)?SKIP:?\s+(.*)$', re.M)
GOOD = ('OK', 'EXPECTEDFAIL', 'SKIP')


class Counts:
    def __init__(self):
        self.passed = 0
        self.failures = []
        self.skips = []

    def subtest(self, test, match):
        failed, name, directive, reason = match.groups()
        directive = (directive or '').upper()
        name = f'{test}: {name}'
        if directive == 'SKIP' and not failed:
            self.skips.append((name, reason))
        elif bool(failed) != (directive == 'TODO'):
            self.failures.append(name)
        else:
            self.passed += 1

    def tap(self, test, output):
        """Meson has checked the plan; a fault there is in test's result."""
        for line in output.splitlines():
            skip_all = TAP_SKIP_ALL.match(line)
            match = TAP_LINE.match(line)
            if skip_all:
                self.skips.append((test, skip_all.group(1)))
            elif match:
                self.subtest(test, match)

    def add(self, log, is_tap):
        name, result = log['name'], log['result']
        output = log.get('stdout') or ''
        failures = len(self.failures)
        if is_tap:
            self.tap(name, output)
        elif result == 'SKIP':
            said = SAID_SKIP.search(output + '\n' + (log.get('stderr') or ''))
            reason = said.group(1) if said else 'no reason given'
            self.skips.append((name, reason))
        elif result in GOOD:
            self.passed += 1
        # A crash, a timeout, a wrong plan, after lines that were all "ok".
        if result not in GOOD and len(self.failures) == failures:
            self.failures.append(f'{name}: {result.lower()}')


def tap_tests(build):
    with open(f'{build}/meson-info/intro-tests.json', encoding='utf-8') as f:
        return {t['name'] for t in json.load(f) if t['protocol'] == 'tap'}


def known_patterns(path):
    with open(path, encoding='utf-8') as f:
        lines = (line.strip() for line in f)
        return [line for line in lines if line and line[0] != '#']


def short_name(name):
    """Meson's log says "SUITE / NAME"."""
    return name.rsplit(' / ', 1)[-1]


def count(build, logbase):
    counts = Counts()
    tap = tap_tests(build)
    path = f'{build}/meson-logs/{logbase}.json'
    if not os.path.exists(path):
        return counts
    with open(path, encoding='utf-8') as f:
        for line in f:
            log = json.loads(line)
            log['name'] = short_name(log['name'])
            counts.add(log, log['name'] in tap)
    return counts


def main():
    stage, build, logbase, known, skips_out, failures_out = sys.argv[1:]
    counts = count(build, logbase)
    patterns = known_patterns(known)
    unknown = 0
    with open(skips_out, 'a', encoding='utf-8') as f:
        for name, reason in counts.skips:
            line = f'{stage}: {name}: {reason or "no reason given"}'
            if not any(fnmatch.fnmatchcase(line, p) for p in patterns):
                unknown += 1
                line = 'unexpected: ' + line
            f.write(line + '\n')
    with open(failures_out, 'a', encoding='utf-8') as f:
        for name in counts.failures:
            f.write(f'{stage}: {name}\n')
    print(counts.passed, len(counts.failures), len(counts.skips), unknown)


if __name__ == '__main__':
    if len(sys.argv) != 7:
        sys.exit('usage: ' + __doc__.split('usage: ')[1].split('\n')[0])
    main()
