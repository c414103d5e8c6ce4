#!/bin/sh
# Fetches the CustomResourceDefinitions of other products that test/kube installs, from their Go modules, once, into a cache folder, and
# prints that folder. Needs Go.
set -eu

GATEWAY_API=1.4.1
PROMETHEUS_OPERATOR=0.85.0

cache="${XDG_CACHE_HOME:-$HOME/.cache}/tomcat-cluster/definitions-gateway-api-$GATEWAY_API-prometheus-operator-$PROMETHEUS_OPERATOR"
if [ -f "$cache/prometheusrules.yaml" ]; then
  echo "$cache"
  exit 0
fi

if ! command -v go >/dev/null 2>&1; then
  echo "Go is missing, which fetches the definitions of HTTPRoute, PodMonitor and PrometheusRule for test/kube: install it" >&2
  exit 1
fi

folder() {
  go mod download -json "$1" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p'
}
gateway="$(folder "sigs.k8s.io/gateway-api@v$GATEWAY_API")/config/crd/standard/gateway.networking.k8s.io"
monitoring="$(folder "github.com/prometheus-operator/prometheus-operator@v$PROMETHEUS_OPERATOR")/example/prometheus-operator-crd/monitoring.coreos.com"
mkdir -p "$cache"
cp "${gateway}_httproutes.yaml" "$cache/httproutes.yaml"
cp "${monitoring}_podmonitors.yaml" "$cache/podmonitors.yaml"
cp "${monitoring}_prometheusrules.yaml" "$cache/prometheusrules.yaml"
chmod u+w "$cache"/*.yaml
echo "$cache"
