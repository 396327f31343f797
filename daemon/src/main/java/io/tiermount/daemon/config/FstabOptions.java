package io.tiermount.daemon.config;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * What /etc/fstab and mount(8) write behind {@code -o}, in our own words. Most of it is said to
 * mount(8) or to systemd, and mount(8) hands it on to us; what would have to change something here
 * and can't is an error.
 *
 * @param options as of {@code tiermount mount -o}
 * @param noexec no program of the mount may be run
 */
public record FstabOptions(List<String> options, boolean noexec) {
  /** fstab(5), mount(8), systemd.mount(5): for others to act on, or so anyway. */
  private static final Set<String> OF_OTHERS =
      Set.of(
          "defaults",
          "auto",
          "noauto",
          "nofail",
          "fail",
          "_netdev",
          "user",
          "users",
          "nouser",
          "nousers",
          "owner",
          "noowner",
          "group",
          "nogroup",
          "exec",
          "async",
          "silent",
          "loud",
          "nomand",
          // Neither set-id bits nor devices work on a mount of ours, and reading changes no atime.
          "nosuid",
          "nodev",
          "atime",
          "noatime",
          "diratime",
          "nodiratime",
          "relatime",
          "norelatime",
          "nostrictatime",
          "nolazytime",
          // What lines of other FUSE file systems have: it is so.
          "allow_other",
          "default_permissions");

  private static final Set<String> OF_OTHERS_WITH_VALUE =
      Set.of("user", "comment", "helper", "uhelper");

  /**
   * Translates.
   *
   * @param given each as it stands behind an {@code -o}
   * @param sloppy what nobody knows is left out (mount -s) instead of being an error later
   * @throws InvalidConfigException with every option that can't be kept
   */
  public static FstabOptions parse(List<String> given, boolean sloppy)
      throws InvalidConfigException {
    Problems problems = new Problems();
    Set<String> known = CommandLine.known("any").keySet();
    List<String> options = new ArrayList<>();
    boolean noexec = false;
    for (String option :
        given.stream().flatMap(each -> CommandLine.split(each).stream()).toList()) {
      String key = option.contains("=") ? option.substring(0, option.indexOf('=')) : option;
      switch (option) {
        case "ro" -> options.add("read_only=true");
        case "rw" -> options.add("read_only=false");
        case "noexec" -> noexec = true;
        case "suid", "dev", "sync", "dirsync", "mand", "strictatime", "lazytime", "remount" ->
            problems.add(
                new Position("-o " + option, 0),
                "",
                "an option that can't be kept here",
                instead(option),
                "take it out of the line");
        default -> {
          boolean others =
              OF_OTHERS.contains(option)
                  || OF_OTHERS_WITH_VALUE.contains(key)
                  || key.startsWith("x-")
                  || key.startsWith("X-");
          if (!others && (!sloppy || known.contains(key))) {
            // A comma that its quotes or a backslash kept must stay together once more.
            options.add(option.replace(",", "\\,"));
          }
        }
      }
    }
    problems.throwIfAny();
    return new FstabOptions(List.copyOf(options), noexec);
  }

  private static String instead(String option) {
    return switch (option) {
      case "suid", "dev" -> "nosuid and nodev, which every mount of tiermount has";
      case "sync", "dirsync" -> "write.durability=remote: close() and fsync() wait for the store";
      case "remount" -> "umount and mount: a mount does not change while it is there";
      default -> "the kernel's way with FUSE";
    };
  }
}
