# SPDX-License-Identifier: MIT
# Builds and runs one combination of the matrix; sourced after tests/tap.sh.
#
# In: $cc, $lang (c or c++), $opt, $extra_c, $extra_ld, and $lib_a, $lib_so,
# $tool, $root. Words without blanks; options are lists, split on purpose.
# shellcheck shell=sh disable=SC2086

# The driver that links programs in $lang.
driver()
{
	if [ "$lang" = c ]; then
		echo "$cc"
	else
		echo "$cc" | sed 's/gcc$/g++/; s/clang$/clang++/'
	fi
}

# Annotated objects come from the wrapper that users have: flags and all.
compile()
{
	impl=$1
	shift
	case $impl in
	annotated) set -- "$tool" cc "$cc" "$@" ;;
	generic)   set -- "$cc" -DRP_GENERIC "$@" ;;
	*)         set -- "$cc" "$@" ;;
	esac
	"$@" -x "$lang" $opt $extra_c -Wall -Wextra -Werror \
		-I"$root/include" -c
}

code_model()
{
	case $1 in
	PIE | static-PIE) echo PIE ;;
	no-PIE | static)  echo no-PIE ;;
	shared)           echo shared ;;
	esac
}

# $1 implementation, $2 code model: objects in $tmp, compiled once. The
# emit-relocs slice is linked from those of the out-of-line one.
objects()
{
	case $1 in emit-relocs) set -- out-of-line "$2" ;; esac
	dir=$tmp/$cc-$lang-$(echo "$opt $extra_c" | tr -d ' ,=')-$1-$2
	[ ! -e "$dir" ] || return 0
	mkdir "$dir"
	(
		cd "$dir" || exit 1
		src=$root/tests/matrix
		case $2 in
		PIE)
			compile "$1" -fPIE "$src/main.c" "$src/user.c" \
				"$src/definer.c" ;;
		no-PIE)
			compile "$1" -fno-pie "$src/main.c" "$src/user.c" \
				"$src/definer.c" ;;
		shared)
			compile "$1" -fPIC "$src/user.c" "$src/definer.c" &&
			compile "$1" -fPIE -DMATRIX_IMPORT "$src/main.c" ;;
		esac
	) >"$dir/log" 2>&1
}

link_with()
{
	case $impl in
	annotated)   set -- "$tool" cc "$(driver)" "$@" ;;
	emit-relocs) set -- "$(driver)" -Wl,--emit-relocs "$@" ;;
	*)           set -- "$(driver)" "$@" ;;
	esac
	"$@" $opt $extra_c $extra_ld $linker
}

# gcc has a plugin for every linker; clang's LTO needs lld.
choose_linker()
{
	linker=
	case "$cc $opt" in
	clang*-flto*) linker=-fuse-ld=lld ;;
	esac
}

link_program()
{
	choose_linker
	case $1 in
	PIE)        set -- -pie ;;
	no-PIE)     set -- -no-pie ;;
	static)     set -- -static ;;
	static-PIE) set -- -static-pie ;;
	shared)
		link_with -shared -o "$out/libmatrix.so" "$dir/user.o" \
			"$dir/definer.o" "$lib_so" &&
		link_with -pie -o "$out/matrix" "$dir/main.o" \
			"$out/libmatrix.so" "$lib_so" \
			"-Wl,-rpath,$out:${lib_so%/*}"
		return ;;
	esac
	# user.o first: its constructor runs before those of definer.o.
	link_with "$@" -o "$out/matrix" "$dir/user.o" "$dir/definer.o" \
		"$dir/main.o" "$lib_a" -pthread
}

# Text that the dynamic linker would have to write is shared by nobody.
no_textrel()
{
	for f in "$out"/matrix "$out"/*.so; do
		[ ! -e "$f" ] || readelf -d "$f"
	done >"$tmp/dynamic"
	! grep TEXTREL "$tmp/dynamic"
}

expected_mode()
{
	case $1 in
	annotated | emit-relocs) echo inline ;;
	*)                       echo "$1" ;;
	esac
}

# Annotated means found in the table: only with LTO may relocations do.
run_program()
{
	case "$impl $opt" in
	annotated*-flto*) ;;
	annotated*)       export RP_EMIT_RELOCS=0 ;;
	esac
	"$out/matrix" "$1"
}

# combination IMPLEMENTATION LINKAGE [MODE]; $post: a command run in $out
combination()
{
	impl=$1
	out=$tmp/out
	rm -rf "$out"
	mkdir "$out"
	objects "$1" "$(code_model "$2")" || {
		echo "does not compile:"
		cat "$dir/log"
		rm -rf "$dir"
		return 1
	}
	link_program "$2" &&
	no_textrel &&
	(cd "$out" && ${post:-true}) &&
	(run_program "${3:-$(expected_mode "$1")}")
}
