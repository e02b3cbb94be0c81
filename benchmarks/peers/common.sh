# Shared by the scripts here. Sourced; expects $peers (this directory), $work (an empty one) and the options below.

lengths=4K,64K,1M,16M,100M
seconds=1
warm_up=1
rounds=3
ranks=2
report=

fail() {
    echo "$name: $*" >&2
    exit 1
}

bad_arguments() {
    echo "$name: $* ($name -h lists the options)" >&2
    exit 2
}

# check_number OPTION VALUE LEAST: a whole number, or one with a decimal point.
check_number() {
    case $2 in
        '' | *[!0-9.]* | *.*.*) bad_arguments "$1 $2: expected a number" ;;
    esac
    awk "BEGIN { exit !($2 >= $3) }" || bad_arguments "$1 $2: expected $3 or more"
}

check_common() {
    check_number -n "$ranks" 2
    check_number -s "$seconds" 0
    check_number -w "$warm_up" 0
    check_number -r "$rounds" 1
    if [ -n "$report" ]; then
        [ -d "$(dirname "$report")" ] || bad_arguments "-o $report: there is no such directory"
        [ ! -d "$report" ] || bad_arguments "-o $report: a directory, expected a file"
    fi
    command -v cc >/dev/null || fail "there is no cc: install a C compiler"
    have_mpi=no
    if command -v mpicc >/dev/null && command -v mpirun >/dev/null && mpirun --version | grep -q 'Open MPI'; then
        if echo '#include <mpi.h>' | mpicc -E -x c - >/dev/null 2>&1; then
            have_mpi=yes
            mpicc -O3 -march=native "$peers/mpi_allreduce.c" -o "$work/mpi_allreduce" || fail "mpicc failed"
        else
            echo "$name: mpicc finds no mpi.h: Open MPI is left out. Install its headers:" \
                "libopenmpi-dev (Debian, Ubuntu), openmpi-devel (Fedora, RHEL)" >&2
        fi
    else
        echo "$name: there is no Open MPI (mpicc, mpirun) here: left out. Install" \
            "openmpi-bin and libopenmpi-dev (Debian, Ubuntu), openmpi and openmpi-devel (Fedora, RHEL)" >&2
    fi
    # Builds it now if needed, not in the middle of the first round.
    "$peers/../../bin/gyre" bench --help >/dev/null || fail "gyre bench does not run"
}

# Lines like those of the C programs, from a report of gyre bench allreduce, which has one field per line.
lines_of_report() {
    awk -F '[:,]' '
        /"bytes"/ { bytes = $2 + 0 }
        /"median_us"/ { median = $2 + 0 }
        /"p99_us"/ { p99 = $2 + 0 }
        /"best_us"/ { best = $2 + 0 }
        /"rounds"/ { print bytes, median, p99, best, $2 + 0 }' "$1"
}

load() {
    cut -d ' ' -f 1 /proc/loadavg 2>/dev/null || echo 0
}

# processor_time FILE: in seconds so far, of this script and its children that have ended; of all programs, and what a
# hypervisor has given to other machines; of all processors, idle time included. Interrupts, and so datagrams, are
# accounted to no program.
processor_time() {
    times >"$work/times"
    awk '
        FNR == NR { for (f = 1; f <= 2; f++) { split($f, t, /[ms]/); own += t[1] * 60 + t[2] }; next }
        $1 == "cpu" {
            used = $2 + $3 + $4 + $9
            printf "%.2f %.2f %.2f\n", own, used / 100, (used + $5 + $6 + $7 + $8) / 100
        }
    ' "$work/times" /proc/stat >"$1" 2>/dev/null || echo 0 0 0 >"$1"
}

begin_load() {
    load_before=$(load)
    processor_time "$work/begin"
}

# end_load: prints how busy the machine was since begin_load, and sets "others": the share of the processors, from 0 to
# 1, that programs other than this script's have taken. Not for a subshell, whose times are its own.
end_load() {
    processor_time "$work/end"
    others=$(cat "$work/begin" "$work/end" | awk '
        NR == 1 { own = $1; used = $2; all = $3 }
        END { others = $3 > all ? ($2 - used - $1 + own) / ($3 - all) : 0; printf "%.3f\n", others < 0 ? 0 : others }')
    awk -v others="$others" -v busy="$busy_share" -v before="$load_before" -v after="$(load)" 'BEGIN {
        printf "load %s before, %s after; other programs took %.0f %% of the processors\n", before, after, others * 100
        if (others > busy) {
            printf "WARNING: that is more than %.0f %%: these are figures of a busy machine\n", busy * 100
        }
    }'
}

# Share of the processors that others may take before the machine counts as busy.
busy_share=0.05

# contend NAME COMMAND…: runs it, and adds the lines that it prints, at least one, to those to summarise.
contend() {
    contender=$1
    shift
    # In the background, so that a signal is handled at once.
    "$@" >"$work/lines" &
    wait $! || fail "$contender failed"
    [ -s "$work/lines" ] || fail "$contender gave no figures"
    sed "s/^/$contender /" "$work/lines" >>"$work/all"
}

# The processes that this script has started, and their descendants.
stop_started() {
    for process in $(ps -e -o pid= -o ppid= | awk -v root=$$ '
        { parent[$1] = $2 }
        END {
            for (p in parent) {
                for (q = parent[p]; q in parent && q != root; q = parent[q]) { }
                if (q == root) { print p }
            }
        }'); do
        kill "$process" 2>/dev/null || true
    done
}

# For awk: the median of the n numbers in all[key], separated by spaces.
middle='function middle(key, n,    i, j, t, values) {
    split(all[key], values, " ")
    for (i = 2; i <= n; i++) {
        for (j = i; j > 1 && values[j] + 0 < values[j - 1] + 0; j--) {
            t = values[j]; values[j] = values[j - 1]; values[j - 1] = t
        }
    }
    return n % 2 ? values[(n + 1) / 2] : (values[n / 2] + values[n / 2 + 1]) / 2
}
'

# summarise TITLE: for each length and contender the median over the rounds, and its ratio to that of gyre.
summarise() {
    end_load
    awk -v others="$others" -v title="$1" -v ranks="$ranks" -v rounds="$rounds" -v before="$load_before" -v after="$(load)" -v report="$report" "$middle"'
        {
            if (!($1 in known)) { known[$1] = 1; names[++contenders] = $1 }
            if (!($2 in seen)) { seen[$2] = 1; lengths[++count] = $2 }
            for (f = 3; f <= 5; f++) { all[$1, $2, f] = all[$1, $2, f] " " $f }
            n[$1, $2]++
        }
        END {
            printf "%s\n%d ranks; %d rounds, the contenders in turn; medians over the rounds, of the slowest rank, in microseconds\n", \
                title, ranks, rounds
            printf "%12s", "bytes"
            for (c = 1; c <= contenders; c++) { printf " %14s", names[c] }
            for (c = 1; c <= contenders; c++) { if (names[c] != "gyre") { printf " %19s", names[c] "/gyre" } }
            printf " %10s\n", "gyre GB/s"
            json = sprintf("{\n  \"title\": \"%s\",\n  \"ranks\": %d,\n  \"rounds\": %d,\n  \"load_before\": %s,\n  \"load_after\": %s,\n  \"others_share\": %s,\n  \"results\": [",
                title, ranks, rounds, before, after, others)
            for (l = 1; l <= count; l++) {
                bytes = lengths[l]
                gyre = middle("gyre" SUBSEP bytes SUBSEP 3, n["gyre", bytes])
                printf "%12d", bytes
                json = json sprintf("%s\n    {\"bytes\": %d", l > 1 ? "," : "", bytes)
                ratios = ""
                for (c = 1; c <= contenders; c++) {
                    key = names[c] SUBSEP bytes SUBSEP
                    median = middle(key 3, n[names[c], bytes])
                    printf " %14.1f", median
                    json = json sprintf(", \"%s\": {\"median_us\": %.3f, \"p99_us\": %.3f, \"best_us\": %.3f", names[c], median,
                        middle(key 4, n[names[c], bytes]), middle(key 5, n[names[c], bytes]))
                    if (names[c] != "gyre") {
                        ratios = ratios sprintf(" %19.2f", median / gyre)
                        json = json sprintf(", \"over_gyre\": %.3f", median / gyre)
                    }
                    json = json "}"
                }
                printf "%s %10.3f\n", ratios, bytes / gyre / 1000
                json = json "}"
            }
            json = json "\n  ]\n}"
            if (report != "") { print json > report }
        }' "$work/all"
}
