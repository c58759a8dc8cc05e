#!/bin/sh
# Mock cases for the agent's tests, called as a case's process is: SUITE NAME DEVICES-JSON, notes on descriptor 3.
say() { echo "{\"note\":\"done\",\"outcome\":\"$1\",\"reason\":\"$2\"}" >&3; }
yes_bytes() { head -c "$1" /dev/zero | tr '\0' "$2"; }

case "$2" in
pass) say pass ;;
fail) say fail "because" ;;
skip) say skip "no such thing" ;;
notes)
    echo '{"note":"thread","tid":77}' >&3
    printf '%s\n' '{"note":"note","text":"one\ntwo"}' >&3
    echo '{"note":"subtest","name":"part","outcome":"skip","reason":"not now"}' >&3
    say pass
    ;;
log) echo "first of the case" >/dev/kmsg; echo "last of the case" >/dev/kmsg; say pass ;;
descriptors) ls /proc/self/fd; wc -c; pwd; cat /proc/self/cgroup; say pass ;;

# Odd ends.
no-result) ;;
status) echo "the last words" >&2; say pass; exit 7 ;;
segv) kill -SEGV $$ ;;
garbage) printf 'what\n\377\376\n' >&3; say pass ;;
only-garbage) yes_bytes 3000000 x >&3 ;;
closed) exec >&- 2>&- 3>&-; sleep 0.2 ;;
flood) yes_bytes 5000000 a; yes_bytes 3000000 b >&2; echo end; say pass ;;

# That do not end.
hang) echo begun; sleep 1000 ;;
stubborn) trap '' TERM; sleep 1000 & while :; do wait; done ;;
flood-forever) while :; do yes_bytes 1000000 a; done ;;

# That leave processes behind.
daemon) setsid sh -c 'trap "" TERM HUP; sleep 1000' & say pass ;;
double-fork) (setsid sh -c 'sleep 1000 & sleep 1000 & exit' &) ; say pass ;;
many) i=0; while [ $i -lt 100 ]; do setsid sleep 1000 & i=$((i + 1)); done; say pass ;;
crash-and-leave) setsid sleep 1000 & kill -KILL $$ ;;

# Caught by the old freezer on its way to user space, where no signal reaches it. Only in a guest, which nobody needs
# afterwards.
unkillable)
    mkdir /tmp/freezer && mount -t cgroup -o freezer none /tmp/freezer && mkdir /tmp/freezer/ice
    while :; do :; done &
    echo $! >/tmp/freezer/ice/cgroup.procs
    echo FROZEN >/tmp/freezer/ice/freezer.state
    until grep -q FROZEN /tmp/freezer/ice/freezer.state; do sleep 0.1; done
    echo '{"note":"note","text":"frozen"}' >&3
    wait
    ;;
esac
