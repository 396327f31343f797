package io.tiermount.daemon;

import io.tiermount.daemon.config.Identity;
import io.tiermount.daemon.config.MountConfig;
import io.tiermount.daemon.config.SourceConfig;
import io.tiermount.daemon.config.TiermountConfig;
import io.tiermount.fs.cache.CacheOptions;
import io.tiermount.fs.fuse.FuseOptions;
import io.tiermount.fs.scope.ScopeKind;
import io.tiermount.fs.volume.VolumeOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** Configurations for tests, without the parser. */
final class Configs {
  private Configs() {}

  static TiermountConfig of(Path cache, MountConfig... mounts) {
    return new TiermountConfig(
        new Identity(null, null, null, null, "node"),
        new CacheOptions(
            List.of(new CacheOptions.Directory(cache, Long.MAX_VALUE)),
            0,
            5,
            Long.MAX_VALUE,
            4 << 20,
            CacheOptions.Verify.ON_OPEN),
        512L << 20,
        List.of(mounts),
        Map.of("artifacts", "ANYSCALE_ARTIFACT_STORAGE is not set"),
        List.of());
  }

  static MountConfig bind(String name, Path path, Path directory, boolean readOnly) {
    return mount(
        name, path, new SourceConfig.LocalDirectory("file://" + directory, directory), readOnly);
  }

  static MountConfig mount(String name, Path path, SourceConfig source, boolean readOnly) {
    return new MountConfig(
        name,
        path,
        ScopeKind.LOCAL,
        source,
        new FuseOptions(FuseOptions.Transport.AUTO, true, FuseOptions.Open.NORMAL),
        new VolumeOptions(
            "",
            readOnly,
            VolumeOptions.AttributeMode.FULL,
            0,
            0,
            0644,
            0755,
            Duration.ofSeconds(1),
            Duration.ofSeconds(1),
            Duration.ZERO,
            VolumeOptions.Revalidate.TTL));
  }
}
