#!/bin/bash
# SPDX-License-Identifier: MIT
# nginx: master and workers, all that use the binary. A worker that the master
# starts later is patched as the master is.
# shellcheck disable=SC2034,SC2119,SC2120 # shared with what is included
. "$(dirname "$0")/live.inc"

make_it()
{
	package nginx
	advance CVE-2026-27654
	original
	keep dav
	payload dav
	fixed dav-fixed
	advance CVE-2026-42945
	original
	keep rewrite
	payload rewrite
	fixed rewrite-fixed
}

built make_it
for name in dav rewrite; do
	check "a payload: $name" has_payload $name
done

# Workers of a master that is root must be able to read what is here.
server_command()
{
	local user=
	[ "$(id -u)" != 0 ] || user='user root root;'
	mkdir -p "$tmp/dav"
	echo here >"$tmp/dav/here"
	cat >"$tmp/nginx.conf" <<-EOT
	daemon off; worker_processes 2; pid nginx.pid; $user
	error_log error.log info; thread_pool default threads=2;
	events { worker_connections 64; }
	http {
		access_log off; keepalive_requests 1000000000;
		client_body_temp_path t1; proxy_temp_path t2;
		fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
		server {
			listen 127.0.0.1:$1;
			location /dav/files/ {
				alias dav/; dav_methods COPY;
			}
			location /r/ {
				rewrite ^/r/(.*) /new?c=1; set \$part \$1;
				return 200 "[\$part]\n";
			}
			location / { return 200 "ok\n"; }
		}
	}
	EOT
	command=("$binary" -p "$tmp" -e error.log -c nginx.conf)
}

# The answer's status and its last line
http()
{
	local answer last
	exec 3<>"/dev/tcp/127.0.0.1/$port" || return
	printf '%s\r\n' "$@" 'Host: probe' 'Connection: close' '' >&3
	answer=$(timeout 20 cat <&3)
	exec 3>&-
	last=${answer##*$'\n'}
	answer=${answer#* }
	echo "${answer%% *} ${last%$'\r'}"
}

# What is not in the arguments is escaped, two bytes into the request's own pool.
rewrite()
{
	local answers
	answers=$(for _ in {1..6}; do http 'GET /r/a%20b HTTP/1.1'; done |
		sort -u)
	echo "$answers" >&2
	case $answers in
	*'[a b]'*'[a%2]'* | *'[a%2]'*'[a b]'*) ;;
	*'[a b]'*) echo FIXED ;;
	*'[a%2]'*) echo VULNERABLE ;;
	esac
}

# A destination that is one byte shorter than the alias would end the worker. The
# check of the depth comes between: without the fix it is what is complained of.
short_copy()
{
	http 'COPY /dav/files/none HTTP/1.1' \
		"Destination: /dav/filez" "Depth: $1"
}

dav()
{
	local before complaints
	before=$(wc -l <"$tmp/error.log")
	for _ in {1..6}; do
		short_copy 1 >&2
	done
	complaints=$(tail -n +$((before + 1)) "$tmp/error.log" |
		grep -o -e '"Destination"' -e '"Depth"' | sort | uniq -c)
	echo "$complaints" >&2
	case $complaints in
	*' 6 '*Destination*) echo FIXED ;;
	*' 6 '*Depth*) echo VULNERABLE ;;
	esac
}

put_under_load()
{
	start_load "$@" \
		-r 'GET / HTTP/1.1\r\nHost: l\r\n\r\n=>200 ok' \
		-r 'GET /r/x%n HTTP/1.1\r\nHost: l\r\n\r\n=>200 [x%n]' \
		-r 'COPY /dav/files/here HTTP/1.1\r\nHost: l\r\nDestination: /dav/files/copy%c\r\n\r\n=>20*' \
		http "$port"
}

# The real thing, which only a fixed server lives to answer.
no_crash()
{
	for _ in {1..6}; do
		case $(short_copy 0) in
		'400 '*) ;;
		*) return 1 ;;
		esac
	done
}

crash()
{
	! no_crash
}

new_worker()
{
	local old=$1 now
	for _ in {1..100}; do
		now=$(target_pids | wc -l)
		gone "$old" && [ "$now" = 3 ] && return
		sleep 0.05
	done
	return 1
}

try()
{
	local worker
	probe=$1
	binary=$made/$probe-fixed/nginx
	control "$probe"
	binary=$made/$probe/nginx
	start_server
	target=(--all-using "$binary")
	check "$probe: master and workers" new_worker 0
	check "$probe: under load" put_under_load
	load_more 3000
	cycle "$probe"
	load_phase again
	step "$probe: all of them" patch_ok apply "${target[@]}" "$made/$probe.rpp"
	step "$probe: fixed for good" state FIXED
	finish_load
	[ "$probe" != dav ] || check "dav: nothing ends a worker" no_crash

	worker=$(children "$pid")
	worker=${worker%% *}
	kill -KILL "$worker"
	check "$probe: a new worker" new_worker "$worker"
	check "$probe: is fixed" state FIXED
	check "$probe: is in the list" listed "$probe"
	check "$probe: is reverted" patch_ok revert "${target[@]}" "$probe"
	check "$probe: is vulnerable" state VULNERABLE
	[ "$probe" != dav ] || check "dav: workers can be ended again" crash
	end_process "$pid"
}

try dav
try rewrite

tap_end
