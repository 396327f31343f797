package io.tiermount.daemon.cli;

import io.tiermount.daemon.config.KeyManual;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** The text of the man pages: commands as picocli knows them, keys as the schema does. */
record Manual(String version) {
  /** tiermount(8). */
  String tiermount(CommandLine root) {
    Roff page =
        new Roff("tiermount", 8, version)
            .section("NAME")
            .paragraph("tiermount - object buckets and local disks as plain directories")
            .section("SYNOPSIS")
            .paragraph("tiermount COMMAND [ARGUMENTS]")
            .paragraph("mount -t tiermount SOURCE DIR -o KEY=VALUE,…")
            .section("DESCRIPTION")
            .paragraph(
                String.join(" ", root.getCommandSpec().usageMessage().description())
                    + " One daemon owns one cache directory and serves all mounts that use it; it is"
                    + " started by tiermount.service with the mounts of /etc/tiermount/*.conf, or by the"
                    + " first tiermount mount.")
            .section("COMMANDS");
    root.getSubcommands().values().forEach(each -> command(page, each));
    return page.section("MOUNT AND FSTAB")
        .paragraph(
            "mount(8) and /etc/fstab take the options of tiermount mount, and ro, rw and noexec. Write"
                + " _netdev into every line: without it the mount counts as a local disk, and umount(8) does"
                + " not wait for what has yet to be sent.")
        .example(
            "s3://models/v1  /mnt/models  tiermount  _netdev,nofail,ro,credentials=research  0 0")
        .section("EXIT STATUS")
        .paragraph(exitCodes())
        .section("ENVIRONMENT")
        .item(
            "TIERMOUNT_CONFIG_DIR", "directories with *.conf, separated by colons (/etc/tiermount)")
        .item("TIERMOUNT__SECTION__KEY", "overrides any key of the configuration: mounts.conf(5)")
        .item("TIERMOUNT_RUN_DIR", "where daemons have their sockets (/run/tiermount for root)")
        .item("TIERMOUNT_LOG", "the log's level, or levels: info,io.tiermount.fs=trace")
        .item("TIERMOUNT_LOG_FILE", "a file for the log instead of standard error")
        .item("TIERMOUNT_HEAP, TIERMOUNT_DIRECT", "the JVM's heap and its buffers outside of it")
        .item("TIERMOUNT_JAVA", "the directory of a Java 25 to run on")
        .section("SIGNALS")
        .item(
            "SIGINT",
            "as tiermount stop: sends what is pending, unmounts all, ends within about 20 s")
        .item("SIGTERM", "a restart where there is a keeper, else as SIGINT")
        .section("FILES")
        .item("/etc/tiermount/*.conf", "what is mounted: mounts.conf(5)")
        .item("/etc/default/tiermount", "variables for tiermount.service")
        .item("/etc/tiermount/NAME.env", "SOURCE, DIR and OPTIONS of tiermount@NAME.service")
        .item("/run/tiermount", "sockets of the daemons")
        .item("/var/cache/tiermount", "the cache where no local NVMe was found")
        .section("SEE ALSO")
        .paragraph("mounts.conf(5), mount(8), fstab(5), systemd.mount(5)")
        .toString();
  }

  private static void command(Roff page, CommandLine line) {
    CommandSpec spec = line.getCommandSpec();
    if (spec.usageMessage().hidden()) {
      return;
    }
    page.part(
        CommandLine.Help.Ansi.OFF
            .string(
                new CommandLine.Help(
                        spec, CommandLine.Help.defaultColorScheme(CommandLine.Help.Ansi.OFF))
                    .abbreviatedSynopsis())
            .replaceAll("\\s+", " ")
            .strip());
    page.paragraph(String.join(" ", spec.usageMessage().description()).formatted());
    for (PositionalParamSpec parameter : spec.positionalParameters()) {
      page.item(parameter.paramLabel(), meaning(parameter));
    }
    for (OptionSpec option : spec.options()) {
      if (!option.hidden()) {
        String value = option.arity().max() == 0 ? "" : " " + option.paramLabel();
        page.item(String.join(", ", option.names()) + value, meaning(option));
      }
    }
    line.getSubcommands().values().forEach(each -> command(page, each));
  }

  private static String meaning(ArgSpec argument) {
    return String.join(" ", argument.description()).replace("%%", "%");
  }

  private static String exitCodes() {
    StringBuilder codes = new StringBuilder();
    for (ExitCode each : ExitCode.values()) {
      codes
          .append(codes.isEmpty() ? "" : "; ")
          .append(each.code())
          .append(": ")
          .append(each.meaning());
    }
    return codes
        + ". As mount.tiermount, those of mount(8): 1 for a wrong line, 32 for a failed mount.";
  }

  /** mounts.conf(5). */
  String mountsConf() {
    Roff page =
        new Roff("mounts.conf", 5, version)
            .section("NAME")
            .paragraph("mounts.conf - what tiermount mounts")
            .section("DESCRIPTION")
            .paragraph(
                "HOCON: JSON with comments and without most quotes. All /etc/tiermount/*.conf are read in the"
                    + " order of their names, later ones win key by key; a file named after a section"
                    + " (credentials.conf) is that section. ${NAME} is replaced by the environment's variable"
                    + " or another key, ${?NAME} may be undefined. A file that is wrong anywhere is refused"
                    + " whole, with every error at once; tiermount check-config looks without mounting.")
            .paragraph(
                "Sizes need a unit (30G is binary, 30GB decimal), durations too (500ms, 1s, 5m, 2h, 1d);"
                    + " percentages are 5, \"5%\" or 0.05; modes are octal. Texts with any of"
                    + " : / ? # [ ] { } , = + & * @ ! need double quotes, plain paths do not.")
            .paragraph(
                "Any key can be overridden from the environment, as in"
                    + " TIERMOUNT__STORAGE__CACHE__SIZE__MAX_USED_BYTES=200G.")
            .section("KEYS")
            .paragraph("* stands for a name of your choice, [] for an element of a list.");
    List<KeyManual.Entry> entries = KeyManual.entries();
    for (KeyManual.Entry entry : entries) {
      page.item(
          entry.path(),
          "%s.\nWritten: %s. Default: %s.%s"
              .formatted(
                  entry.meaning(),
                  entry.accepted(),
                  entry.defaultText(),
                  entry.note().isEmpty() ? "" : " It " + entry.note() + "."));
    }
    return page.section("EXAMPLE")
        .example(
            """
            storage.cache { default_base_dir = /nvme/tiermount, size.max_used_bytes = 500G }
            credentials.minio { type = s3, access_key = ${KEY}, secret_key = ${SECRET} }
            mounts.models {
              path = /mnt/models, scope = shared, source = "s3://models/v1"
              endpoint = "http://10.0.0.9:9000", credentials = minio, read_only = true
            }
            """)
        .section("FILES")
        .item("/etc/tiermount/*.conf", "read by the daemon; keep those with keys at mode 0600")
        .item(
            "mounts.conf.example",
            "beside it or in /usr/share/doc/tiermount: every key with its explanation")
        .section("SEE ALSO")
        .paragraph("tiermount(8)")
        .toString();
  }
}
