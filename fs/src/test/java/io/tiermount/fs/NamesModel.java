package io.tiermount.fs;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What a tree of a few names is after each step, with rename(2)'s and unlink(2)'s errors. */
final class NamesModel {
  /** A file's inode: it lives on while somebody has it open. */
  static final class Inode {
    byte[] content = new byte[0];
    int mode = 0644;

    void write(int at, byte[] bytes) {
      if (content.length < at + bytes.length) {
        content = Arrays.copyOf(content, at + bytes.length);
      }
      System.arraycopy(bytes, 0, content, at, bytes.length);
    }

    void truncate(int size) {
      content = Arrays.copyOf(content, size);
    }

    String text() {
      return new String(content, StandardCharsets.ISO_8859_1);
    }
  }

  /** Path → file; null for a directory. The root is not in it. */
  private final Map<String, @Nullable Inode> tree = new TreeMap<>();

  static String parent(String path) {
    int slash = path.lastIndexOf('/');
    return slash < 0 ? "" : path.substring(0, slash);
  }

  boolean has(String path) {
    return path.isEmpty() || tree.containsKey(path);
  }

  boolean isDirectory(String path) {
    return path.isEmpty() || (tree.containsKey(path) && tree.get(path) == null);
  }

  @Nullable Inode file(String path) {
    return tree.get(path);
  }

  List<String> paths() {
    return new ArrayList<>(tree.keySet());
  }

  List<String> list(String dir) {
    return tree.keySet().stream()
        .filter(path -> parent(path).equals(dir))
        .map(path -> path.substring(path.lastIndexOf('/') + 1))
        .toList();
  }

  /** What looking a path up fails with because of its directories; "" for nothing. */
  private String above(String path) {
    String dir = parent(path);
    if (!has(dir)) {
      String further = dir.isEmpty() ? "" : above(dir);
      return further.isEmpty() ? "ENOENT" : further;
    }
    return isDirectory(dir) ? "" : "ENOTDIR";
  }

  String mkdir(String path) {
    String why = above(path);
    if (!why.isEmpty()) {
      return why;
    }
    if (has(path)) {
      return "EEXIST";
    }
    tree.put(path, null);
    return "";
  }

  /** Opens for writing; O_CREAT always. */
  String open(String path, boolean exclusive, boolean truncate) {
    String why = above(path);
    if (!why.isEmpty()) {
      return why;
    }
    if (exclusive && has(path)) {
      return "EEXIST";
    }
    if (isDirectory(path)) {
      return "EISDIR";
    }
    Inode inode = tree.computeIfAbsent(path, _ -> new Inode());
    if (truncate) {
      inode.truncate(0);
    }
    return "";
  }

  /** For chmod(2) and open(2) without O_CREAT. */
  String exists(String path) {
    String why = above(path);
    return !why.isEmpty() ? why : has(path) ? "" : "ENOENT";
  }

  String unlink(String path) {
    String why = exists(path);
    if (!why.isEmpty()) {
      return why;
    }
    if (isDirectory(path)) {
      return "EISDIR";
    }
    tree.remove(path);
    return "";
  }

  String rmdir(String path) {
    String why = exists(path);
    if (!why.isEmpty()) {
      return why;
    }
    if (!isDirectory(path)) {
      return "ENOTDIR";
    }
    if (!list(path).isEmpty()) {
      return "ENOTEMPTY";
    }
    tree.remove(path);
    return "";
  }

  String rename(String from, String to) {
    // Both directories are walked to before either name is looked up.
    String why = above(from);
    if (why.isEmpty()) {
      why = above(to);
    }
    if (why.isEmpty()) {
      why = exists(from);
    }
    if (!why.isEmpty()) {
      return why;
    }
    if (from.equals(to)) {
      return "";
    }
    if (to.startsWith(from + "/")) {
      return "EINVAL";
    }
    if (from.startsWith(to + "/")) {
      return "ENOTEMPTY";
    }
    if (has(to)) {
      if (isDirectory(from) != isDirectory(to)) {
        return isDirectory(to) ? "EISDIR" : "ENOTDIR";
      }
      if (isDirectory(to) && !list(to).isEmpty()) {
        return "ENOTEMPTY";
      }
    }
    tree.remove(to);
    for (String path : paths()) {
      if (path.equals(from) || path.startsWith(from + "/")) {
        tree.put(to + path.substring(from.length()), tree.remove(path));
      }
    }
    return "";
  }
}
