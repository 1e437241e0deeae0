# shellcheck shell=sh
# whole SECONDS NODE...   come back when this node sees all of them active and moves nothing (0), or time is up (1)
# Prints what this node holds. All in one process, because it may run while groups move, and should not slow them.
set -u
until=$(($(date +%s) + $1))
shift
while :; do
  missing=
  for node in "$@"; do
    seen=$(cl_status nodestatus "$node" 2>/dev/null)
    [ "$seen" = active ] || missing="$node is ${seen:-not known}"
  done
  held=$(cl_status rscstatus 2>/dev/null)
  case $held in
    none | local | foreign | all) [ -n "$missing" ] || { echo "$held"; exit 0; } ;;
    *) missing=${missing:-"it says that it holds: ${held:-nothing at all}"} ;;
  esac
  if [ "$(date +%s)" -ge "$until" ]; then
    echo "$missing" >&2
    exit 1
  fi
  sleep 0.5
done
