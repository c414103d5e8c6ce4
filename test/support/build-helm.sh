#!/bin/sh
# Builds Helm from its Go module, once, into a cache folder, and prints the binary's path. HELM_BIN, where it is set, is used instead and
# nothing is built. Needs Go.
set -eu

HELM=4.3.1

if [ -n "${HELM_BIN:-}" ]; then
  echo "$HELM_BIN"
  exit 0
fi

cache="${XDG_CACHE_HOME:-$HOME/.cache}/tomcat-cluster/helm-$HELM"
if [ -x "$cache/helm" ]; then
  echo "$cache/helm"
  exit 0
fi

if ! command -v go >/dev/null 2>&1; then
  echo "Go is missing, which builds Helm for test/kube: install it, or name a helm in HELM_BIN" >&2
  exit 1
fi
echo "Building Helm $HELM, once; this takes some minutes" >&2

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$cache"
export CGO_ENABLED=0 GOFLAGS=-trimpath

cd "$work"
# With its line "go", only the modules are read that Helm is made of.
source=$(go mod download -json "helm.sh/helm/v4@v$HELM" | sed -n 's/^\t"GoMod": "\(.*\)",$/\1/p')
{
  echo "module helm-binary"
  sed -n 's/^\(go [0-9.]*\)$/\1/p' "$source"
  echo "require helm.sh/helm/v4 v$HELM"
} > go.mod
go build -mod=mod -ldflags "-s -w -X helm.sh/helm/v4/internal/version.version=v$HELM" -o "$cache/helm" helm.sh/helm/v4/cmd/helm >&2
echo "$cache/helm"
