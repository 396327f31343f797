package io.tiermount.daemon.config;

import io.tiermount.fs.cache.MountCacheOptions;
import io.tiermount.fs.fuse.FuseOptions;
import io.tiermount.fs.scope.AccessOptions;
import io.tiermount.fs.scope.QuotaOptions;
import io.tiermount.fs.scope.ScopeKind;
import io.tiermount.fs.volume.VolumeOptions;
import io.tiermount.fs.write.WriteOptions;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * One mount.
 *
 * @param name its key under {@code mounts}
 * @param path where it is mounted, absolute
 * @param credentials the entry of {@code credentials} it names; null for the provider's own chain
 */
public record MountConfig(
    String name,
    Path path,
    ScopeKind scope,
    SourceConfig source,
    FuseOptions fuse,
    VolumeOptions volume,
    AccessOptions access,
    WriteOptions write,
    MountCacheOptions cache,
    QuotaOptions quota,
    @Nullable String credentials) {
  /** With the defaults of everything that the read side does not need. */
  public MountConfig(
      String name,
      Path path,
      ScopeKind scope,
      SourceConfig source,
      FuseOptions fuse,
      VolumeOptions volume) {
    this(
        name,
        path,
        scope,
        source,
        fuse,
        volume,
        AccessOptions.DEFAULTS,
        WriteOptions.DEFAULTS,
        MountCacheOptions.DEFAULTS,
        QuotaOptions.DEFAULTS,
        null);
  }

  /**
   * True where the other may take this one's place while it is mounted, under open files: its name,
   * its credentials, times to live, and what writes wait for.
   */
  public boolean differsInLivePartsAlone(MountConfig other) {
    return volume.differsInLifetimesAlone(other.volume)
        && write.durability() == other.write.durability()
        && source.differsInCredentialsAlone(other.source)
        && withLiveParts(other).equals(other);
  }

  private MountConfig withLiveParts(MountConfig other) {
    return new MountConfig(
        other.name,
        path,
        other.scope,
        other.source,
        fuse,
        other.volume,
        access,
        other.write,
        cache,
        quota,
        other.credentials);
  }

  /** The same mount of another source. */
  public MountConfig withSource(SourceConfig other) {
    return new MountConfig(
        name, path, scope, other, fuse, volume, access, write, cache, quota, credentials);
  }
}
