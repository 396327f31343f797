# shellcheck shell=bash
# Where the files of an installed tiermount lie. Sourced by scripts/install and scripts/package.

# lay_out DIST ROOT PREFIX UNITS SBIN: DIST's program below ROOT/PREFIX/lib/tiermount, with links, units and the example.
lay_out() {
  local dist=$1 into=$2 prefix=$3 units=$4 sbin=$5 unit
  local lib=$into$prefix/lib/tiermount
  mkdir -p "$lib" "$into$prefix/bin" "$into$sbin" "$into$units" "$into/etc/tiermount" "$into$prefix/share/doc/tiermount"
  # A daemon that runs has its jars open: new files beside the old ones, never into them.
  rm -rf "$lib.new"
  mkdir -p "$lib.new"
  cp -a "$dist/." "$lib.new/"
  rm -rf "$lib.old"
  mv "$lib" "$lib.old"
  mv "$lib.new" "$lib"
  rm -rf "$lib.old" "$lib/share"
  ln -sfn "$prefix/lib/tiermount/bin/tiermount" "$into$prefix/bin/tiermount"
  # mount(8) and umount(8) look there and nowhere else.
  ln -sfn "$prefix/lib/tiermount/bin/mount.tiermount" "$into$sbin/mount.tiermount"
  ln -sfn "$prefix/lib/tiermount/bin/umount.fuse.tiermount" "$into$sbin/umount.fuse.tiermount"
  for unit in "$root"/systemd/*.service; do
    sed "s:/usr/bin/tiermount:$prefix/bin/tiermount:" "$unit" >"$into$units/$(basename "$unit")"
    chmod 644 "$into$units/$(basename "$unit")"
  done
  cp "$root/mounts.conf.example" "$into$prefix/share/doc/tiermount/"
  chmod 755 "$into/etc/tiermount"
}

# The configuration of a node on which nobody has written one: nothing is mounted.
first_config() { # EXAMPLE
  cat <<CONF
# What tiermount mounts on this node: mounts.conf(5), and every key with its explanation in
# $1. tiermount check-config looks at it, systemctl reload-or-restart tiermount brings it into force.

mounts {
  # data { path = /mnt/data, scope = shared, source = "s3://bucket" }
}
CONF
}
