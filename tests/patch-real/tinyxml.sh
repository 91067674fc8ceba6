#!/bin/bash
# SPDX-License-Identifier: MIT
# tinyxml: a virtual method with a cold part, in C++.
. "$(dirname "$0")/real.inc"
command -v g++ >/dev/null || skip_all "tinyxml cannot be built here"

# As the package makes its shared library.
cat >"$tmp/build.sh" <<EOT
make CXX=g++ LD=g++ RELEASE_CFLAGS='$flags' \
	CXXFLAGS='-DTIXML_USE_STL $flags -fPIC' LDFLAGS= &&
g++ -shared -Wl,-soname,libtinyxml.so.2.6.2 -o libtinyxml.so.2.6.2 \
	tinyxml.o tinyxmlparser.o tinyxmlerror.o
EOT

package tinyxml
advance CVE-2023-34194
original sh "$tmp/build.sh"
keep libtinyxml.so.2.6.2
payload decl sh "$tmp/build.sh"
check 'declarations: one virtual method' replaces decl \
	_ZN16TiXmlDeclaration5ParseEPKcP16TiXmlParsingData13TiXmlEncoding

tap_end
