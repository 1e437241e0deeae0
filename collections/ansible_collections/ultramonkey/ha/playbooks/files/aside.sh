# shellcheck shell=sh
# put FILE...   move files that belong to heartbeat 3.0.6 out of the way, so that ours can have their places
# back FILE...  undo it
# Prints what was moved. With dpkg-divert the package manager knows of it, and an update does not bring them back.
set -eu
directory=/usr/lib/ultramonkey-heartbeat/heartbeat-3.0.6
what=$1
shift
mkdir -p "$directory"
for file in "$@"; do
  aside=$directory/$(echo "$file" | tr / +)
  if [ "$what" = put ]; then
    if [ -e "$aside" ] || [ ! -e "$file" ]; then continue; fi
    if command -v dpkg-divert >/dev/null; then
      dpkg-divert --local --quiet --rename --divert "$aside" --add "$file"
    else
      mv "$file" "$aside"
    fi
  else
    [ -e "$aside" ] || continue
    if command -v dpkg-divert >/dev/null; then
      dpkg-divert --local --quiet --rename --remove "$file"
    else
      mv "$aside" "$file"
    fi
  fi
  echo "$file"
done
