#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Builds the twins for several kernels, each in a copy of the sources, and prints
# a line for each: its release, and "ok" or the first error or warning.
#
#	kernels.sh KDIR...	KDIR: /lib/modules/RELEASE/build or the like
#
# Headers of another distribution want a root folder with its compiler, and with
# /proc in it: chroot ROOT /twins/kernels.sh /usr/src/linux-headers-RELEASE
set -eu

[ $# -gt 0 ] || { echo "usage: kernels.sh KDIR..." >&2; exit 3; }
here=$(cd "$(dirname "$0")" && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT

release() {
	cat "$1/include/config/kernel.release" 2>/dev/null || echo "$1"
}

build() {
	rm -rf "$copy/twins"
	cp -r "$here" "$copy/twins"
	make -s -C "$1" M="$copy/twins" clean >"$copy/log" 2>&1 &&
		make -s -C "$1" M="$copy/twins" modules >>"$copy/log" 2>&1
}

# The first error or warning. That this is not the kernel's own compiler, or not
# quite, says nothing of the sources.
complaint() {
	grep -v 'warning: the compiler differs' "$copy/log" |
		grep -iEm 1 'error:|warning:|\*\*\*'
}

status=0
for kdir; do
	if build "$kdir" && ! complaint >/dev/null; then
		echo "$(release "$kdir") ok"
	else
		status=1
		said=$(complaint || tail -n 1 "$copy/log")
		echo "$(release "$kdir") $said"
	fi
done
exit $status
