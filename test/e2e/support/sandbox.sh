#!/bin/sh
# sandbox.sh FOLDER NAME: network, UTS, mount and process namespaces for a node, and a control group NAME in every hierarchy.
# Prints the process that holds them and waits for the end of its standard input: whatever ended the parent, nothing stays behind.
set -eu

if [ "$1" = inside ]; then
  folder=$2
  # Its number outside: /proc is still the host's.
  read -r holder rest < /proc/self/stat
  mount -t proc proc /proc
  mount --make-rshared /
  mount -t tmpfs tmpfs /run
  for name in lib log; do
    mkdir -p "$folder/$name"
    mount --bind "$folder/$name" "/var/$name"
  done
  # The kubelet wants these of its machine, and would set them: the host keeps its own.
  for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
    kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
    file="$folder/sysctl/${setting%=*}"
    mkdir -p "${file%/*}"
    echo "${setting#*=}" > "$file"
    mount --bind "$file" "/proc/sys/${setting%=*}"
  done
  hostname node
  echo "$holder"
  exec >/dev/null
  # As the first process it has to reap orphans, which `wait` does.
  cat <&3 &
  wait $!
  exit 0
fi

folder=$1
name=$2
# One hierarchy (cgroup v2), or a folder of them.
hierarchies=/sys/fs/cgroup
[ -e /sys/fs/cgroup/cgroup.procs ] || hierarchies=$(echo /sys/fs/cgroup/*)
# What ends the parent may be sent to its whole group: this one is to see the end of the input, not the signal.
trap '' INT TERM HUP
for hierarchy in $hierarchies; do mkdir -p "$hierarchy/$name"; done
unshare --net --uts --mount --propagation private --pid --fork --kill-child sh "$0" inside "$folder" 3<&0 || true
for hierarchy in $hierarchies; do
  [ ! -d "$hierarchy/$name" ] || find "$hierarchy/$name" -depth -type d -exec rmdir {} +
done
rm -rf "$folder"
