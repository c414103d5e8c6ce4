#!/bin/sh
# Builds the Kubernetes binaries that test/kube needs from their Go modules, once, into a cache folder, and prints that folder.
# KUBEBUILDER_ASSETS, where it is set, is used instead and nothing is built. Needs Go.
set -eu

KUBERNETES=1.36.3
ETCD=3.6.6

if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
  echo "$KUBEBUILDER_ASSETS"
  exit 0
fi

cache="${XDG_CACHE_HOME:-$HOME/.cache}/tomcat-cluster/kubernetes-$KUBERNETES-etcd-$ETCD"
if [ -x "$cache/etcd" ] && [ -x "$cache/kube-apiserver" ] && [ -x "$cache/kubectl" ]; then
  echo "$cache"
  exit 0
fi

if ! command -v go >/dev/null 2>&1; then
  echo "Go is missing, which builds the Kubernetes API server for test/kube: install it, or name a folder with etcd, kube-apiserver and kubectl in KUBEBUILDER_ASSETS" >&2
  exit 1
fi
echo "Building etcd $ETCD and Kubernetes $KUBERNETES, once; this takes some minutes" >&2

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$cache"
export CGO_ENABLED=0 GOFLAGS=-trimpath

# The module of Kubernetes requires its staging modules at v0.0.0: only a module around it can say which versions they have.
mkdir "$work/kubernetes"
cd "$work/kubernetes"
source=$(go mod download -json "k8s.io/kubernetes@v$KUBERNETES" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
{
  echo "module kubernetes-binaries"
  sed -n 's/^\(go [0-9.]*\)$/\1/p' "$source/go.mod"
  echo "require k8s.io/kubernetes v$KUBERNETES"
  sed -n "s/^\t\(k8s\.io\/[a-z-]*\) v0\.0\.0\( .*\)*$/replace \1 => \1 v0.${KUBERNETES#1.}/p" "$source/go.mod" | sort -u
} > go.mod
# Without these it says that it is v0.0.0, which charts and clients refuse.
version="-X k8s.io/component-base/version.gitVersion=v$KUBERNETES -X k8s.io/component-base/version.gitMajor=${KUBERNETES%%.*}"
version="$version -X k8s.io/component-base/version.gitMinor=$(echo "$KUBERNETES" | cut -d. -f2)"
go build -mod=mod -ldflags "-s -w $version" -o "$cache/" k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kubectl >&2

# As with Kubernetes: etcd's own module replaces others, which `go install` refuses.
mkdir "$work/etcd"
cd "$work/etcd"
printf 'module etcd-binary\nrequire go.etcd.io/etcd/server/v3 v%s\n' "$ETCD" > go.mod
go build -mod=mod -o "$cache/etcd" go.etcd.io/etcd/server/v3 >&2
echo "$cache"
