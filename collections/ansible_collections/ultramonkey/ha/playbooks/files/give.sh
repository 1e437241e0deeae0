# shellcheck shell=sh
# give SECONDS   give away everything that this node holds, and come back when that is done (0) or time is up (1)
# First what prefers others, then the rest: a heartbeat 3.0.6 stops all groups that it was asked for, says so, and
# only then are they started on the other node, one after the other; so each is down for as long as all of them
# take. And all of it in this one process: whatever is started over and over slows down the scripts waited for.
# Prints what was asked for.
set -u
until=$(($(date +%s) + $1))
for directory in /usr/share/heartbeat /usr/lib/heartbeat /usr/lib64/heartbeat; do
  [ -x "$directory/hb_standby" ] && break
done

# give WORD HELD...   ask for WORD while the node holds one of HELD, until it holds something else
give() {
  word=$1
  shift
  asked=0
  while :; do
    now=$(date +%s)
    holds=$(cl_status rscstatus)
    holds=${holds:-transition}
    case " $* transition " in
      *" $holds "*) ;;
      *) return 0 ;;
    esac
    # Longer than a heartbeat 3.0.6 waits for an answer before it gives up. Of what it is asked for through its
    # pipe it loses something now and then.
    if [ "$holds" != transition ] && [ $((now - asked)) -ge 15 ]; then
      [ "$asked" != 0 ] || echo "$word"
      "$directory/hb_standby" "$word" >/dev/null || return 1
      asked=$now
    fi
    if [ "$now" -ge "$until" ]; then
      echo "hb_standby $word was asked for, and this node still holds: $holds" >&2
      return 1
    fi
    sleep 0.3
  done
}

# Ours refuses when nothing prefers others; then all of it is one part.
give foreign all 2>/dev/null
give all all local foreign
