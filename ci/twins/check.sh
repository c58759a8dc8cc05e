#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Checks the twins' sources as a maintainer would: checkpatch --strict, and
# sparse, with every warning an error.
#
#	check.sh KDIR		KDIR: /lib/modules/RELEASE/build or the like
set -eu

kdir=$1
here=$(cd "$(dirname "$0")" && pwd)
command -v sparse >/dev/null || { echo "check.sh: install sparse" >&2; exit 3; }

find "$here" \( -name '*.[ch]' ! -name '*.mod.c' ! -name compat.h \) -print0 |
	sort -z |
	xargs -0 perl "$kdir/scripts/checkpatch.pl" --strict --no-tree \
		--no-summary --terse --file

# In a copy: a build leaves files.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -r "$here/." "$copy"
make -s -C "$kdir" M="$copy" clean
make -s -C "$kdir" M="$copy" C=2 CF=-Wsparse-error KBUILD_MODPOST_WARN=1 modules
