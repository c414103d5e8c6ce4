#!/bin/sh
# Makes the root file system of the image: make-root.sh FOLDER, which is made. The Dockerfile runs it, and so does test/e2e, without
# Docker and without a registry of images. Needs Debian 12 with its package lists, and the project's packages (npm ci).
# SOURCE_DATE_EPOCH, where it is set, becomes the time of every file.
set -eu

project=$(cd "$(dirname "$0")/../.." && pwd)
mkdir "$1"
root=$(cd "$1" && pwd)
node_modules=$project/node_modules
PATH=$node_modules/.bin:$PATH
library=$root/usr/local/lib/node_modules/tomcat-cluster
base=$root/usr/local/tomcat
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 022

# Debian: what Node is linked with, and a shell with cp and tar: cp fills application folders from images that are made of this one,
# tar unpacks what `tomcat-cluster fetch` gets. Scanners find the versions in status.d.
cd "$work"
# _apt, as which root's downloads run, must be able to write here.
chmod 777 "$work"
xargs apt-get download --quiet=2 < "$project/deploy/image/packages"
mkdir -p "$root/var/lib/dpkg/status.d"
for package in *.deb; do
  dpkg-deb --extract "$package" "$root"
  dpkg-deb --field "$package" > "$root/var/lib/dpkg/status.d/$(dpkg-deb --field "$package" Package)"
done
# Licences stay.
find "$root/usr/share" -mindepth 1 -maxdepth 1 ! -name doc -exec rm -rf {} +
find "$root/usr/share/doc" -type f ! -name copyright -delete
find "$root/usr/lib" -type d -name gconv -prune -exec rm -rf {} +

mkdir -p "$root/etc" "$root/usr/local/bin" "$root/usr/share/doc/node" "$root/proc" "$root/sys" "$root/dev" "$root/run"
echo 'root:x:0:0:root:/root:/usr/sbin/nologin
tomcat:x:65532:65532:tomcat-cluster:/usr/local/tomcat:/bin/sh' > "$root/etc/passwd"
echo 'root:x:0:
tomcat:x:65532:' > "$root/etc/group"
echo 'hosts: files dns' > "$root/etc/nsswitch.conf"

# Node, which the project's packages bring in the version that they are tested with.
cp "$(node --print process.execPath)" "$root/usr/local/bin/node"
cp "$node_modules"/node/node_modules/node-*/LICENSE "$root/usr/share/doc/node/copyright"

# The project, where npm would install it for all.
mkdir -p "$library"
cd "$project"
cp package.json package-lock.json .npmrc LICENSE "$library"
tsc -p tsconfig.build.json --declaration false --outDir "$library/dist"
npm ci --prefix "$library" --omit=dev --ignore-scripts --no-audit --no-fund --silent
rm "$library/.npmrc"
# For people who develop: half of what the packages weigh.
find "$library/node_modules" -type f \( -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.map' \) -delete
chmod 755 "$library/dist/cli/main.js"
ln -s ../lib/node_modules/tomcat-cluster/dist/cli/main.js "$root/usr/local/bin/tomcat-cluster"

# CATALINA_BASE. Whoever runs it writes to temp and work; pods mount volumes there.
mkdir -p "$base/conf" "$base/webapps" "$base/applications" "$base/temp" "$base/work" "$root/tmp"
chmod 1777 "$base/temp" "$base/work" "$root/tmp"

if [ -n "${SOURCE_DATE_EPOCH:-}" ]; then find "$root" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +; fi
