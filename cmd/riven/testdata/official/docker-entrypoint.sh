#!/bin/sh
set -e
if [ "$1" = zkServer.sh ] && [ "$(id -u)" = 0 ]; then
	chown -R zookeeper "$ZOO_DATA_DIR" "$ZOO_CONF_DIR"
	exec setpriv --reuid zookeeper --regid zookeeper --clear-groups "$0" "$@"
fi
[ -f "$ZOO_CONF_DIR/zoo.cfg" ] || printf 'tickTime=2000\ndataDir=%s\nclientPort=2181\n' "$ZOO_DATA_DIR" >"$ZOO_CONF_DIR/zoo.cfg"
[ -f "$ZOO_DATA_DIR/myid" ] || echo "${ZOO_MY_ID:-1}" >"$ZOO_DATA_DIR/myid"
exec "$@"
