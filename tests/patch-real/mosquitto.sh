#!/bin/bash
# SPDX-License-Identifier: MIT
# mosquitto: one constant; its makefiles know some of the headers only.
. "$(dirname "$0")/real.inc"

build=(make -C src -j2 WITH_SYSTEMD=no WITH_WEBSOCKETS=no WITH_DOCS=no
	WITH_CJSON=no WITH_STRIP=no WITH_BUNDLED_DEPS=yes WITH_TLS=yes
	WITH_ADNS=no CFLAGS="$flags -Wall" mosquitto)
# shellcheck disable=SC2034 # for real.inc
options=(--clean "make -C src clean")

package mosquitto
advance CVE-2023-0809
original "${build[@]}"
keep src/mosquitto
payload first "${build[@]}"
check 'the first packet: one function' replaces first packet__read

tap_end
