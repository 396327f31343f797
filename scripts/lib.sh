# shellcheck shell=bash
# Shared by the scripts of this directory: finds what is needed to build, and installs it where that
# takes one package. Sourced, never run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

die() {
  echo "$(basename "$0"): $*" >&2
  exit 1
}

# True where $1 is the directory of a JDK (not only a Java runtime) 25.
is_jdk_25() {
  [ -x "$1/bin/javac" ] || return 1
  if [ -r "$1/release" ]; then
    grep -q '^JAVA_VERSION="25' "$1/release"
  else
    "$1/bin/javac" -version 2>&1 | grep -q '^javac 25'
  fi
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo -n "$@"; else return 1; fi
}

# Installs those of the given Debian packages that are missing and can be had; never fails by itself.
apt_install() {
  command -v apt-get >/dev/null || return 0
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ "${#missing[@]}" -gt 0 ] || return 0
  echo "installing ${missing[*]}" >&2
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null 2>&1 ||
    { as_root apt-get update -q >/dev/null 2>&1 || true
      as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null 2>&1 || true; }
}

try_jdk_25() {
  local candidate on_path
  on_path=$(command -v javac || true)
  for candidate in "${JAVA_HOME:-}" "${on_path:+$(dirname "$(dirname "$(readlink -f "$on_path")")")}" /usr/lib/jvm/*; do
    if [ -n "$candidate" ] && is_jdk_25 "$candidate"; then
      export JAVA_HOME=$candidate
      return 0
    fi
  done
  return 1
}

# Sets JAVA_HOME to a JDK 25: JAVA_HOME, PATH, /usr/lib/jvm, then the distribution's package.
find_jdk() {
  try_jdk_25 && return 0
  apt_install openjdk-25-jdk-headless
  try_jdk_25 || die "no JDK 25: install one (apt-get install openjdk-25-jdk-headless, or https://adoptium.net) and set JAVA_HOME to it"
}

# Sets JAVA_HOME and makes sure that mvn is there.
find_build_tools() {
  find_jdk
  command -v mvn >/dev/null || apt_install maven
  command -v mvn >/dev/null || die "no Maven: install it (apt-get install maven)"
}

version() {
  sed -n 's:^  <version>\(.*\)</version>$:\1:p' "$root/pom.xml" | head -n 1
}

# Where the built program lies.
dist_dir() {
  local v
  v=$(version)
  echo "$root/daemon/target/tiermount-$v/tiermount-$v"
}

# True where no source is newer than the built program.
is_built() {
  local program
  program=$(dist_dir)/bin/tiermount
  [ -x "$program" ] || return 1
  [ -z "$(find "$root/pom.xml" "$root"/{backends,fs,daemon}/pom.xml "$root"/{backends,fs,daemon}/src/main -newer "$program" -type f -print -quit)" ]
}

# Builds where needed, one at a time.
build() {
  is_built && return 0
  find_build_tools
  mkdir -p "$root/target"
  (
    flock 9
    is_built && exit 0
    echo "building tiermount (the first time fetches its libraries) …" >&2
    local log=$root/target/build.log
    (cd "$root" && mvn -B package -DskipTests -Dspotless.check.skip=true) >"$log" 2>&1 ||
      { grep -E '^\[(ERROR|WARNING)\]' "$log" | head -n 20 >&2; die "the build failed: see $log"; }
    # Starts without it too, only slower.
    "$(dist_dir)/bin/tiermount-prepare" >>"$log" 2>&1 || echo "no start-up cache: see the end of $log" >&2
    touch "$(dist_dir)/bin/tiermount"
  ) 9>"$root/target/build.lock"
}
