#!/bin/bash
# SPDX-License-Identifier: MIT
# tinyxml: a virtual method with a cold part, in C++.
. "$(dirname "$0")/real.inc"

package tinyxml
advance CVE-2023-34194
original
keep
payload decl
check 'declarations: one virtual method' replaces decl \
	_ZN16TiXmlDeclaration5ParseEPKcP16TiXmlParsingData13TiXmlEncoding

tap_end
