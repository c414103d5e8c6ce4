#!/bin/sh
# Installs the real peers that the suites talk to: packages of Debian, as root, only what is missing; and Kubernetes and Helm, built with Go.
set -eu
packages="tomcat10 libtomcat10-java apache2 wrk chromium default-jdk-headless iproute2 openssl procps prometheus"
packages="$packages containerd runc containernetworking-plugins iptables"
missing=""
for package in $packages; do
  # Any Java compiler of 17 or later does.
  if [ "$package" = default-jdk-headless ] && command -v javac >/dev/null 2>&1; then continue; fi
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
done
if [ -n "$missing" ]; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "Missing:$missing. Install them, or run this as root on Debian" >&2
    exit 1
  fi
  echo "Installing:$missing"
  apt-get update -qq
  # The services are not wanted: the suites start their own processes on free loopback ports.
  DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi
kubernetes=$(sh "$(dirname "$0")/build-kubernetes.sh")
sh "$(dirname "$0")/download-definitions.sh" >/dev/null
helm=$(sh "$(dirname "$0")/build-helm.sh")
echo "All peers are installed; Kubernetes is in" $kubernetes "and Helm is $helm"
