#!/bin/sh
# Builds the Kubernetes programs that test/kube and test/e2e need from their Go modules, once, into cache folders, and prints these: of the
# API server (etcd, kube-apiserver, kubectl), for which KUBEBUILDER_ASSETS is taken where it is set; of a node; of metrics-server. Needs Go.
set -eu

# From 1.37 on a kubelet needs containerd 2; Debian 12 has 1.6.
KUBERNETES=1.36.3
ETCD=3.6.6
COREDNS=1.14.7
METRICS_SERVER=0.9.0

caches="${XDG_CACHE_HOME:-$HOME/.cache}/tomcat-cluster"
server="$caches/kubernetes-$KUBERNETES-etcd-$ETCD"
node="$caches/kubernetes-node-$KUBERNETES-coredns-$COREDNS"
metrics="$caches/metrics-server-$METRICS_SERVER"

lacks() { # FOLDER PROGRAM...
  folder=$1
  shift
  for program; do [ -x "$folder/$program" ] || return 0; done
  return 1
}

needed=""
[ -n "${KUBEBUILDER_ASSETS:-}" ] || ! lacks "$server" etcd kube-apiserver kubectl || needed="$needed server"
! lacks "$node" kube-controller-manager kube-scheduler kubelet kube-proxy coredns pause || needed="$needed node"
! lacks "$metrics" metrics-server || needed="$needed metrics"

if [ -n "$needed" ]; then
  if ! command -v go >/dev/null 2>&1; then
    echo "Go is missing, which builds Kubernetes for test/kube and test/e2e: install it" >&2
    echo "(test/kube alone needs etcd, kube-apiserver and kubectl, in the folder that KUBEBUILDER_ASSETS names)" >&2
    exit 1
  fi
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  trap 'exit 1' INT TERM
  export CGO_ENABLED=0 GOFLAGS=-trimpath
  stripped="-s -w"
fi

# A folder with a module around those of others: `go install` refuses modules that replace others, as these do.
module() { # NAME REQUIREMENT...
  mkdir "$work/$1"
  cd "$work/$1"
  echo "module $1" > go.mod
  shift
  for requirement; do echo "require $requirement" >> go.mod; done
}

kubernetes() { # FOLDER PROGRAM...
  folder=$1
  shift
  echo "Building $* of Kubernetes $KUBERNETES, once; this takes some minutes" >&2
  mkdir -p "$folder"
  rm -rf "$work/kubernetes"
  source=$(cd "$work" && go mod download -json "k8s.io/kubernetes@v$KUBERNETES" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
  module kubernetes "k8s.io/kubernetes v$KUBERNETES"
  # The module of Kubernetes requires its staging modules at v0.0.0: only a module around it can say which versions they have.
  sed -n 's/^\(go [0-9.]*\)$/\1/p' "$source/go.mod" >> go.mod
  sed -n "s/^\t\(k8s\.io\/[a-z-]*\) v0\.0\.0\( .*\)*$/replace \1 => \1 v0.${KUBERNETES#1.}/p" "$source/go.mod" | sort -u >> go.mod
  # Without these it says that it is v0.0.0, which charts and clients refuse.
  version="-X k8s.io/component-base/version.gitVersion=v$KUBERNETES -X k8s.io/component-base/version.gitMajor=${KUBERNETES%%.*}"
  version="$version -X k8s.io/component-base/version.gitMinor=$(echo "$KUBERNETES" | cut -d. -f2)"
  for program; do set -- "$@" "k8s.io/kubernetes/cmd/$program"; shift; done
  go build -mod=mod -ldflags "$stripped $version" -o "$folder/" "$@" >&2
}

for part in $needed; do
  case $part in
    server)
      kubernetes "$server" kube-apiserver kubectl
      echo "Building etcd $ETCD" >&2
      module etcd "go.etcd.io/etcd/server/v3 v$ETCD"
      go build -mod=mod -ldflags "$stripped" -o "$server/etcd" go.etcd.io/etcd/server/v3 >&2
      ;;
    node)
      kubernetes "$node" kube-controller-manager kube-scheduler kubelet kube-proxy
      echo "Building CoreDNS $COREDNS" >&2
      # With the plugins that a cluster's DNS needs: all of them would bring the libraries of every cloud.
      module coredns "github.com/coredns/coredns v$COREDNS"
      {
        echo 'package main'
        echo 'import "github.com/coredns/coredns/coremain"'
        for plugin in bind cache errors kubernetes loadbalance ready; do echo "import _ \"github.com/coredns/coredns/plugin/$plugin\""; done
        echo 'func main() { coremain.Run() }'
      } > main.go
      go build -mod=mod -ldflags "$stripped" -o "$node/coredns" . >&2
      # What holds the namespaces of a pod.
      module pause
      cat > main.go <<'PAUSE'
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	<-stop
}
PAUSE
      go build -ldflags "$stripped" -o "$node/pause" . >&2
      ;;
    metrics)
      echo "Building metrics-server $METRICS_SERVER" >&2
      mkdir -p "$metrics"
      module metrics "sigs.k8s.io/metrics-server v$METRICS_SERVER"
      go build -mod=mod -ldflags "$stripped" -o "$metrics/metrics-server" sigs.k8s.io/metrics-server/cmd/metrics-server >&2
      ;;
  esac
done
if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then echo "$KUBEBUILDER_ASSETS"; else echo "$server"; fi
echo "$node"
echo "$metrics"
