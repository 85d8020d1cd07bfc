# Keeps one PostgreSQL server for as long as its standard input is open: whoever started it may die in any way.
# It is a hot standby of the server at the port PRIMARY_PORT, where that is set, and has so many CONNECTIONS, or 300.
# Arguments: the folder of PostgreSQL's programs, a port, a user, a password, and for TLS a certificate and a key as PEM.
set -eu
bin=$1 port=$2 user=$3 password=$4
dir=$(mktemp -d "${TMPDIR:-/tmp}/lifecycle-postgres.XXXXXX")
pid=
tls=

start() {
    "$bin/postgres" -D "$dir/data" -p "$port" -k "$dir" -c listen_addresses=127.0.0.1 -c authentication_timeout=600 \
        -c "max_connections=${CONNECTIONS:-300}" $tls >>"$dir/log" 2>&1 </dev/null &
    pid=$!
    while ! "$bin/pg_isready" -q -h 127.0.0.1 -p "$port"; do
        if ! kill -0 "$pid" 2>/dev/null; then
            cat "$dir/log" >&2
            exit 1
        fi
        sleep 0.1
    done
    echo started
}

# As a crash does: the next start recovers from the log.
stop() {
    if [ -n "$pid" ]; then
        thaw 2>/dev/null || true
        kill -QUIT "$pid" 2>/dev/null || true
        wait "$pid" || true
        pid=
    fi
}

# Each session is a process of its own, a child of the first.
freeze() {
    kill -STOP "$pid"
    kill -STOP $(cat "/proc/$pid/task/$pid/children")
}

thaw() {
    kill -CONT $(cat "/proc/$pid/task/$pid/children")
    kill -CONT "$pid"
}

trap 'stop; rm -rf "$dir"' EXIT
trap '' INT # Ctrl-C is for the tests; this ends with them
printf '%s\n' "$password" >"$dir/password"
make_cluster() {
    if [ -n "${PRIMARY_PORT:-}" ]; then
        PGPASSWORD=$password "$bin/pg_basebackup" -h 127.0.0.1 -p "$PRIMARY_PORT" -U "$user" -D "$dir/data" -R -c fast >"$dir/log" 2>&1
        return
    fi
    "$bin/initdb" -D "$dir/data" -U "$user" -A scram-sha-256 --pwfile="$dir/password" -E UTF8 --locale=C --no-sync >"$dir/log" 2>&1
}
make_cluster || {
    cat "$dir/log" >&2
    exit 1
}
if [ $# -gt 4 ]; then
    (umask 077 && printf '%s\n' "$5" >"$dir/data/server.crt" && printf '%s\n' "$6" >"$dir/data/server.key")
    tls='-c ssl=on'
fi
start
while read -r word; do
    case $word in
    start) start ;;
    stop)
        stop
        echo stopped
        ;;
    promote)
        "$bin/pg_ctl" -D "$dir/data" -w promote >>"$dir/log" 2>&1
        echo promoted
        ;;
    freeze)
        freeze
        echo frozen
        ;;
    thaw)
        thaw
        echo thawed
        ;;
    esac
done
