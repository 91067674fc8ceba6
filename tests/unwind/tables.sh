# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Tables by libdw (make_table) or, if RP_TABLES is "tool", by the tool.

# make_one MAKE_TABLE FILE OUT
make_one()
{
	case ${RP_TABLES:-libdw} in
	tool) "$RP_TOOL" object orc --from-eh-frame -o "$3" "$2" ;;
	*) "$1" "$2" "$3" ;;
	esac
}

# what_is_loaded PROGRAM: its file and those of libraries
what_is_loaded()
{
	local libc
	echo "$1"
	ldd "$1" | grep -oE '/[^ ]+'
	# backtrace() of libc loads it.
	libc=$(ldd "$1" | sed -n 's,.*=> \(/.*\)/libc\.so\.6 .*,\1,p')
	[ ! -e "$libc/libgcc_s.so.1" ] || echo "$libc/libgcc_s.so.1"
}

# make_tables DIRECTORY MAKE_TABLE PROGRAM: of it and what it loads; false if
# something has no build ID or no .eh_frame, and says so in $reason.
make_tables()
{
	local file id
	for file in $(what_is_loaded "$3"); do
		if ! id=$("$2" --id "$file") ||
				! make_one "$2" "$file" "$1/$id.orc"; then
			reason="no build ID or no .eh_frame in $file"
			return 1
		fi
	done
}
