# Runs a proxy until the standard input ends. That is when whoever started this lets go of it, or has ended in whatever way:
# no proxy outlives the test.
exec 3<&0
"$@" 3<&- </dev/null &
proxy=$!
(cat <&3 >/dev/null; kill -TERM "$proxy"; sleep 5; kill -KILL "$proxy") 2>/dev/null &
watcher=$!
exec 3<&-
wait "$proxy"
kill "$watcher" 2>/dev/null # the proxy's number may soon be somebody else's
