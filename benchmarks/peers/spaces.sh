# Network namespaces with rate-limited links, each a host to Gyre. Sourced after common.sh by scripts that run as root.

prefix=gy$$-
made=no
rate=1gbit
mtu=1500
loss=0

check_spaces() {
    check_number -m "$mtu" 576
    check_number -l "$loss" 0
    [ "$(id -u)" = 0 ] || fail "network namespaces need root: run it with sudo, or inside 'unshare -rmn'"
    for program in ip tc; do
        command -v $program >/dev/null || fail "there is no $program: install iproute2"
    done
    [ "$loss" = 0 ] || command -v nft >/dev/null || fail "there is no nft: install nftables, or leave -l out"
}

remove_spaces() {
    [ $made = yes ] || return 0
    for space in $(ip netns list | awk -v p="$prefix" 'index($1, p) == 1 { print $1 }'); do
        # Open MPI's daemons detach from their parents.
        for process in $(ip netns pids "$space"); do
            kill "$process" 2>/dev/null || true
        done
        ip netns delete "$space" || true
    done
}

# Cleans up however this script ends.
clean() {
    trap '' INT TERM HUP
    stop_started
    remove_spaces
    rm -rf "$work"
}
trap clean EXIT
trap 'exit 1' INT TERM HUP

# in_space NUMBER COMMAND…
in_space() {
    space=$1
    shift
    ip netns exec "$prefix$space" "$@"
}

# as_on_a_wire NUMBER INTERFACE: sends single frames; otherwise veth forwards 64 KiB at a time.
as_on_a_wire() {
    if command -v ethtool >/dev/null; then
        in_space "$1" ethtool -K "$2" tso off gso off gro off >/dev/null
    fi
}

# shape NUMBER INTERFACE: limits the rate of what it sends.
shape() {
    in_space "$1" tc qdisc add dev "$2" root tbf rate "$rate" burst 128kb limit 1mb
}

# join_space NUMBER: makes the interface e0 of a namespace, once it exists, its host's link.
join_space() {
    in_space "$1" ip link set lo up
    in_space "$1" ip link set e0 mtu "$mtu"
    in_space "$1" ip addr add "10.77.0.$1/24" dev e0
    in_space "$1" ip link set e0 up
    as_on_a_wire "$1" e0
    shape "$1" e0
    if [ "$loss" != 0 ]; then
        parts=$(awk "BEGIN { printf \"%d\", $loss * 100 }")
        in_space "$1" nft "add table ip l; add chain ip l c { type filter hook prerouting priority -300; };
            add rule ip l c ip saddr 10.77.0.0/24 numgen random mod 10000 < $parts counter drop"
    fi
}

# make_spaces COUNT: namespaces from 1 on, with the addresses 10.77.0.1, .2 and so on; two are connected directly, more
# by a switch, namespace 0.
make_spaces() {
    made=yes
    (umask 077 && head -c 32 /dev/urandom >"$work/secret")
    number=1
    while [ $number -le "$1" ]; do
        ip netns add "$prefix$number"
        number=$((number + 1))
    done
    if [ "$1" -eq 2 ]; then
        ip link add e0 netns "${prefix}1" type veth peer name e0 netns "${prefix}2"
        join_space 1
        join_space 2
        return
    fi
    ip netns add "${prefix}0"
    in_space 0 ip link add sw type bridge
    in_space 0 ip link set sw up
    number=1
    while [ $number -le "$1" ]; do
        ip link add e0 netns "$prefix$number" type veth peer name "p$number" netns "${prefix}0"
        in_space 0 ip link set "p$number" mtu "$mtu" master sw up
        join_space $number
        number=$((number + 1))
    done
}

# What the ranks are protected by: a secret, or GYRE_TRUSTED_NETWORK=true, by which datagrams are not sealed.
protection=GYRE_SECRET_FILE=$work/secret

# as_rank RANK RANKS COMMAND…: runs it as one of the ranks, in its namespace. Namespaces are hosts to Gyre, but share
# these cores.
as_rank() {
    rank=$1
    world=$2
    shift 2
    in_space $((rank + 1)) env GYRE_RANK="$rank" GYRE_WORLD_SIZE="$world" GYRE_RENDEZVOUS=10.77.0.1:40400 \
        GYRE_BIND="10.77.0.$((rank + 1))" GYRE_HOST_ID="$prefix$rank" GYRE_LOCAL_SIZE="$world" "$protection" \
        GYRE_TRANSPORT=udp OPENBLAS_NUM_THREADS=1 "$@"
}

# as_ranks RANKS COMMAND…: runs it as all of them, and fails with their output unless the first succeeds.
as_ranks() {
    count=$1
    shift
    last=$((count - 1))
    while [ $last -ge 1 ]; do
        as_rank $last "$count" "$@" >"$work/gyre-$last.txt" 2>&1 &
        last=$((last - 1))
    done
    as_rank 0 "$count" "$@" >"$work/gyre-0.txt" 2>&1 || fail "$* ended badly: $(cat "$work"/gyre-*.txt)"
    wait
}

# Largest datagram that fits in one frame, a multiple of 32 as Aeron requires.
datagram() {
    echo $(((mtu - 28) / 32 * 32))
}
