package io.tiermount.daemon.config;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** Which files make up a configuration, in the order in which later ones win. */
final class ConfigFiles {
  static final String DIRECTORIES_VARIABLE = "TIERMOUNT_CONFIG_DIR";
  private static final String DEFAULT_DIRECTORY = "/etc/tiermount";
  private static final String SUFFIX = ".conf";

  /** Known as sections of other forms; their keys are checked like any others. */
  private static final Set<String> RESERVED_SECTIONS = Set.of("secure", "watchdog", "admin");

  /** More are a directory given by mistake. */
  private static final int MAX_FILES = 1000;

  /** A typing mistake must not read a disk image. */
  private static final long MAX_FILE_BYTES = 8L << 20;

  private ConfigFiles() {}

  /**
   * One file.
   *
   * @param section what its content is below; "" for the root
   */
  record Part(Path path, String section) {}

  /** Files as they are, at the root; directories as {@link #configured}. */
  static List<Part> given(List<Path> paths, Problems problems) {
    List<Part> parts = new ArrayList<>();
    for (Path path : paths) {
      if (Files.isDirectory(path)) {
        List<Part> inside = inDirectory(path, problems);
        if (inside.isEmpty()) {
          nothing(path.toString(), "no file named *.conf in it", problems);
        }
        parts.addAll(inside);
      } else {
        parts.add(new Part(path, ""));
      }
    }
    return parts.stream().filter(part -> readable(part, problems)).toList();
  }

  /** What {@code TIERMOUNT_CONFIG_DIR} names. */
  static List<Part> configured(Map<String, String> environment, Problems problems) {
    String named = environment.getOrDefault(DIRECTORIES_VARIABLE, "");
    String directories = named.isBlank() ? DEFAULT_DIRECTORY : named;
    List<Part> parts = new ArrayList<>();
    for (String directory : directories.split(":", -1)) {
      if (directory.isEmpty()) {
        continue;
      }
      if (Files.isDirectory(Path.of(directory))) {
        parts.addAll(inDirectory(Path.of(directory), problems));
      } else {
        nothing(directory, "no such directory", problems);
      }
    }
    if (parts.isEmpty() && problems.isEmpty()) {
      nothing(directories, "no file named *.conf in it", problems);
    }
    return parts.stream().filter(part -> readable(part, problems)).toList();
  }

  /**
   * The same for a mount without a file, which needs none: a node that is not configured has no
   * files.
   *
   * @param all false: what may not be read is left aside, since others than root mount too
   */
  static List<Part> ofNode(Map<String, String> environment, boolean all, Problems problems) {
    String named = environment.getOrDefault(DIRECTORIES_VARIABLE, "");
    List<Part> parts = new ArrayList<>();
    for (String name : (named.isBlank() ? DEFAULT_DIRECTORY : named).split(":", -1)) {
      if (name.isEmpty()) {
        continue;
      }
      Path directory = Path.of(name);
      if (Files.isDirectory(directory) && (all || Files.isReadable(directory))) {
        parts.addAll(inDirectory(directory, problems));
      } else if (!named.isBlank() && !Files.exists(directory)) {
        nothing(name, "no such directory", problems);
      }
    }
    return parts.stream()
        .filter(part -> all || Files.isReadable(part.path()))
        .filter(part -> readable(part, problems))
        .toList();
  }

  /**
   * What to look at for changes: the files, and the directories in which others may appear.
   *
   * @param paths as for {@link #given}; empty for {@link #configured}
   */
  static List<Path> watched(List<Path> paths, Map<String, String> environment) {
    List<Path> watched = new ArrayList<>();
    List<Path> from = paths;
    if (paths.isEmpty()) {
      String named = environment.getOrDefault(DIRECTORIES_VARIABLE, "");
      from =
          Arrays.stream((named.isBlank() ? DEFAULT_DIRECTORY : named).split(":", -1))
              .filter(directory -> !directory.isEmpty())
              .map(Path::of)
              .toList();
    }
    for (Path path : from) {
      watched.add(path);
      if (Files.isDirectory(path)) {
        inDirectory(path, new Problems()).forEach(part -> watched.add(part.path()));
      }
    }
    return watched;
  }

  private static void nothing(String place, String found, Problems problems) {
    problems.add(
        new Position(place, 0),
        "",
        found,
        "a directory with mounts.conf",
        "name a file with --config, or directories in " + DIRECTORIES_VARIABLE);
  }

  private static List<Part> inDirectory(Path directory, Problems problems) {
    List<Part> parts = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        String name = entry.getFileName().toString();
        // Hidden files are editors' own.
        if (name.endsWith(SUFFIX) && !name.startsWith(".") && !Files.isDirectory(entry)) {
          parts.add(new Part(entry, section(name)));
        }
        if (parts.size() > MAX_FILES) {
          problems.add(
              new Position(directory.toString(), 0),
              "",
              "more than " + MAX_FILES + " files named *.conf",
              "a directory of configuration files",
              "");
          return List.of();
        }
      }
    } catch (IOException e) {
      problems.add(
          new Position(directory.toString(), 0),
          "",
          "a directory that can't be read (" + e.getClass().getSimpleName() + ")",
          "a directory that the daemon may read",
          "");
    }
    parts.sort(Comparator.comparing(part -> part.path().getFileName().toString()));
    return parts;
  }

  private static String section(String fileName) {
    String name = fileName.substring(0, fileName.length() - SUFFIX.length());
    Set<String> sections = new TreeSet<>(Schema.sections());
    sections.addAll(RESERVED_SECTIONS);
    // mounts.conf is the whole configuration by custom, though mounts is a section too.
    return sections.contains(name) && !name.equals("mounts") ? name : "";
  }

  private static boolean readable(Part part, Problems problems) {
    String found = "";
    try {
      if (!Files.exists(part.path())) {
        found = "no such file";
      } else if (!Files.isReadable(part.path())) {
        found = "a file that the daemon may not read";
      } else if (Files.size(part.path()) > MAX_FILE_BYTES) {
        found = "a file of more than 8 MiB";
      }
    } catch (IOException e) {
      found = "a file that can't be read (" + e.getClass().getSimpleName() + ")";
    }
    if (!found.isEmpty()) {
      problems.add(new Position(part.path().toString(), 0), "", found, "a configuration file", "");
    }
    return found.isEmpty();
  }
}
