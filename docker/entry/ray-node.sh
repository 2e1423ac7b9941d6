#!/bin/sh
# A node of the Ray cluster; only who knows RAY_AUTH_TOKEN talks to it.
#
#   ray-node.sh head              the first node; it runs no trials, so that none can take it down
#   ray-node.sh worker            a node that runs trials, on all its processors or on RAY_NUM_CPUS of them
#   ray-node.sh runner COMMAND    joins the cluster without offering processors, and becomes COMMAND
set -eu
: "${RAY_PORT:?}" "${RAY_AUTH_TOKEN:?}"
export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0
role=${1:?head, worker or runner}
shift

node() {
  exec ray start "$@" ${RAY_NODE_IP:+"--node-ip-address=$RAY_NODE_IP"} ${RAY_FOLDER:+"--temp-dir=$RAY_FOLDER"} --block
}

case $role in
  head) node --head --port="$RAY_PORT" --num-cpus=0 --include-dashboard=false ;;
  worker) node --address="${RAY_HOST:?}:$RAY_PORT" ${RAY_NUM_CPUS:+"--num-cpus=$RAY_NUM_CPUS"} ;;
  runner)
    log=$(mktemp)
    (node --address="${RAY_HOST:?}:$RAY_PORT" --num-cpus=0) >"$log" 2>&1 &
    until grep -q "Ray runtime started" "$log"; do
      kill -0 "$!" || { cat "$log" >&2; exit 1; }
      sleep 0.2
    done
    export RAY_ADDRESS="$RAY_HOST:$RAY_PORT"
    exec "$@"
    ;;
  *)
    echo "a node is a head, a worker or a runner, not '$role'" >&2
    exit 2
    ;;
esac
