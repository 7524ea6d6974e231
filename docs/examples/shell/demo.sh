#!/bin/sh
# Moves a history between two devices, into a folder of our own with one file a message. Copy from here.
#
#     VCON_TRANSFER=/path/to/vcon-transfer ./demo.sh SOURCE [--reject TEXT] [--kill-at N]
#
# Both devices are on this machine. The receiving process is killed while batch N is not yet
# acknowledged, and started again. Ends with 0 only if every item is there exactly once.
# Needs a POSIX shell, coreutils, sed and awk. The store:
#
#     store/staged/TRANSFER/ROOM/KEY   nobody looks here
#     store/final/TRANSFER/ROOM/KEY    moved here by one rename: the commit is one transaction
#     store/files/SHA256               attachments, under a name of ours
set -eu
umask 077 # the offer and the state keys are secrets
export LC_ALL=C

program=${VCON_TRANSFER:-vcon-transfer} here=$(cd "$(dirname "$0")" && pwd)
command -v "$program" >/dev/null || { echo "there is no $program" >&2; exit 1; }
source=$1 reject='' kill_at=2
shift
while [ $# -gt 1 ]; do
    case $1 in
    --reject) reject=$2 ;;
    --kill-at) kill_at=$2 ;;
    *) echo "unknown: $1" >&2; exit 2 ;;
    esac
    shift 2
done
tmp=$(mktemp -d)
store=$tmp/store
mkdir -p "$store/staged" "$store/final" "$store/files" "$tmp/old" "$tmp/new"
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM
for side in old new; do # an app has its key in the system's key store
    head -c 32 /dev/urandom | base64 >"$tmp/$side.key"
done

# launch SIDE ARGS... starts a device. Its commands go to descriptor 3, its events come from 4.
# Standard error is for people: an app appends it to the log of its bug reports.
launch() {
    side=$1
    shift
    rm -f "$tmp/$side.in" "$tmp/$side.out"
    mkfifo "$tmp/$side.in" "$tmp/$side.out"
    "$program" "$@" --json --state-dir "$tmp/$side" --state-key-file "$tmp/$side.key" <"$tmp/$side.in" >"$tmp/$side.out" &
    pid=$!
    echo "$pid" >"$tmp/$side.pid"
    exec 3>"$tmp/$side.in" 4<"$tmp/$side.out"
}

# Writing to a process that has ended is no error of its own: `done`, or its absence, says how it ended.
tell() { (trap '' PIPE; printf '%s\n' "$1" >&3) 2>/dev/null || true; }

# next reads one event; field and string give a value of it, as JSON and without quotes.
next() { IFS= read -r line <&4 && printf '%s\n' "$line" | awk -f "$here/json.awk" >"$tmp/$side.event"; }
field() { awk -F '\t' -v path="$1" '$1 == path { print substr($0, length(path) + 2) }' "$tmp/$side.event"; }
string() { field "$1" | sed 's/^"\(.*\)"$/\1/'; }

# finish notes how SIDE ended; a process that ended without `done` has failed.
finish() {
    exec 3>&- 4<&-
    wait "$pid" || true
    [ "$(string .event)" = done ] || printf '.code\t"died"\n.resume\ttrue\n' >"$tmp/$side.event"
    mv "$tmp/$side.event" "$tmp/$side.done"
}

# is_over SIDE: it succeeded, or running it again would not help.
is_over() { grep_line '.ok	true' "$tmp/$1.done" || grep_line '.resume	false' "$tmp/$1.done"; }
grep_line() { awk -v want="$1" '$0 == want { found = 1 } END { exit !found }' "$2"; }

old_device() { # runs beside the new one; an app runs it on the old device
    for attempt in 1 2 3; do
        if [ "$attempt" = 1 ]; then
            launch old send "$source" --offer-file "$tmp/offer"
        else
            launch old send "$source" # an offer would begin a new transfer
        fi
        while next; do
            case $(string .event) in
            consent) tell '{"cmd":"consent","ok":true}' ;; # an app shows what and to whom, and asks
            route) tell '{"cmd":"route","ok":true}' ;;     # the same
            check_code) string .code >"$tmp/code.new" && mv "$tmp/code.new" "$tmp/code" ;;
            warning) echo "warning: $(field .code) $(field .message)" >&2 ;;
            done) break ;;
            esac # anything else is for the screen, or newer than this program
        done
        finish
        is_over old && break
    done
    # Nobody will come. An app sends the command `cancel`; SIGTERM is for whom has no descriptor of it.
    grep_line '.ok	true' "$tmp/old.done" || kill "$(cat "$tmp/new.pid")" 2>/dev/null || true
}

have() {
    # With an item that was rejected a segment is not whole: the old device would count that as there.
    cat /dev/null "$store"/final/*/holes >"$tmp/holes" 2>/dev/null || true
    segments=$(cat /dev/null "$store"/final/*/segments 2>/dev/null | sort -u |
        awk -v holes="$tmp/holes" 'BEGIN { while ((getline h < holes) > 0) hole[h] = 1 } !($0 in hole)' | paste -sd , -)
    attachments=$(cat "$store"/final/*/attachments 2>/dev/null | sort -u | paste -sd , -)
    tell "{\"cmd\":\"have\",\"segments\":[$segments],\"attachments\":[$attachments]}"
}

# stage stages the batch, durably, and leaves its acknowledgement in $ack.
stage() {
    place=$store/staged/$transfer
    if [ "$(string .kind)" = attachment ]; then
        mkdir -p "$place"
        sha256=$(string .attachments.0.sha256)
        case $sha256 in *[!0-9a-f]* | '') return 1 ;; esac
        # `filename` is a word of the other device, never a path. `path` is below a folder that we named.
        mv "$(string .attachments.0.path)" "$store/files/$sha256"
        printf '{"room":%s,"message_id":%s,"part":%s,"size":%s,"sha256":"%s"}\n' "$(field .room.id)" \
            "$(field .attachments.0.message_id)" "$(field .attachments.0.part)" "$(field .attachments.0.size)" "$sha256" >>"$place/attachments"
        sync "$store/files/$sha256" "$store/files" "$place/attachments" "$place"
        ack="{\"cmd\":\"ack\",\"batch\":$(field .batch)}"
        return
    fi
    room=$(field .room.id | sha256sum | cut -c 1-64) # an id is no name for a folder
    mkdir -p "$place/$room"
    cat /dev/null "$store"/final/*/"$room"/keys >"$tmp/known" 2>/dev/null || true
    ack=$(awk -v dir="$place/$room" -v known="$tmp/known" -v reject="$reject" -v written="$tmp/written" -f "$here/stage.awk" "$tmp/new.event")
    cat "$tmp/written" >>"$place/$room/keys"
    field .room.id >"$place/$room/id"
    case $ack in *'"rejected":[{'*) field .segment >>"$place/holes" ;; esac
    if [ "$(field .last)" = true ]; then field .segment >>"$place/segments"; fi
    touch "$place/segments" "$place/holes"
    (cd "$place/$room" && sync $(cat "$tmp/written") keys id . .. ../segments ../holes ../..) 2>/dev/null || sync
}

commit() { # does nothing the second time
    if [ -d "$store/staged/$transfer" ] && [ ! -d "$store/final/$transfer" ]; then
        mv "$store/staged/$transfer" "$store/final/$transfer"
        sync "$store/final" "$store/staged"
    fi
}

check_code() {
    # THE DEMO ONLY: the code goes from screen to screen through a person. An app that carries it by itself has no protection.
    for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        [ -s "$tmp/code" ] && break
        sleep 0.5
    done
    tell "{\"cmd\":\"check_code\",\"code\":\"$(cat "$tmp/code")\"}"
}

killed=''
for attempt in 1 2 3; do
    launch new receive --to-host "$tmp/parts" --listen 127.0.0.1:0
    while next; do
        case $(string .event) in
        offer) # an app draws it as QR code
            string .text >"$tmp/offer"
            old_device 3>&- 4<&- &
            old=$!
            ;;
        check_code) check_code ;;
        have) transfer=$(string .transfer) && have ;;
        batch)
            stage
            if [ -z "$killed" ] && [ "$(field .batch)" = "$kill_at" ]; then
                echo "killing the receiver: batch $kill_at is not acknowledged" >&2
                killed=yes
                kill -KILL "$pid"
            else
                tell "$ack"
            fi
            ;;
        commit) transfer=$(string .transfer) && commit && tell '{"cmd":"committed"}' ;;
        warning) echo "warning: $(field .code) $(field .message)" >&2 ;;
        done) break ;;
        esac
    done
    finish
    is_over new && break
done
[ -z "${old:-}" ] || wait "$old" || true

# The ledger of `done` accounts for each record of the old device. Hold it against what is in the store.
problems=0
check() { # check WHAT A B
    [ "$2" = "$3" ] || { echo "wrong: $1: $2, not $3" >&2; problems=1; }
}
side=old && mv "$tmp/old.done" "$tmp/old.event" && old_end="$(field .code) $(field .transfer) $(field .root) $(field .ledger)"
side=new && mv "$tmp/new.done" "$tmp/new.event" && new_end="$(field .code) $(field .transfer) $(field .root) $(field .ledger)"
check 'both devices say the same' "$old_end" "$new_end"
check 'it succeeded' "$(field .code) $(field .message)" '"ok" '
number() { n=$(field "$1") && echo "${n:-0}"; }
sum() { awk -F '\t' -v path="$1" 'index($1, path) == 1 { n += $2 } END { print n + 0 }' "$tmp/new.event"; }
for l in .ledger .ledger.attachments; do
    check 'the ledger adds up' "$(number $l.source)" $(($(number $l.imported) + $(number $l.there) + $(number $l.tombstones) + \
        $(sum $l.excluded.) + $(sum $l.quarantined.)))
done
keys() { cat /dev/null "$store"/final/*/*/keys 2>/dev/null; }
files() { for f in "$store"/final/*/*/*; do case ${f##*/} in keys | id | '*') ;; *) echo "$f" ;; esac; done; }
check 'all items are there' "$(files | wc -l)" $(($(number .ledger.imported) + $(number .ledger.tombstones)))
check 'each once' "$(files | sed 's,.*/final/[^/]*/,,' | sort -u | wc -l)" "$(files | wc -l)"
check 'the list of keys is true' "$(keys | sort -u)" "$(files | sed 's,.*/,,' | sort)"
check 'all files are there' "$(cat /dev/null "$store"/final/*/attachments 2>/dev/null | sort -u | wc -l)" "$(number .ledger.attachments.imported)"
for f in "$store"/files/*; do
    [ -e "$f" ] && check 'the file is whole' "$(sha256sum <"$f" | cut -c 1-64)" "${f##*/}"
done
[ -z "$reject" ] || check 'what was rejected is in the ledger' $(($(number '.ledger.quarantined.host filtered') > 0)) 1
[ "$kill_at" = 0 ] || check 'it was killed in mid-batch' "$killed" yes
field .ledger
exit $problems
