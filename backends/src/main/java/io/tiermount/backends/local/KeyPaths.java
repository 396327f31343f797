package io.tiermount.backends.local;

import io.tiermount.backends.os.DirectoryCalls;
import io.tiermount.backends.os.Errno;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.FileStat;
import io.tiermount.backends.os.LibC;
import io.tiermount.backends.os.Xattrs;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * From keys to places on disk. Every step is one component relative to an open directory and
 * follows no symlink, so that nothing leads out of the bucket.
 *
 * <p>A segment may be on disk under its plain name, its escaped one ({@link SegmentNames}), or as
 * two directories under both; what is plain wins.
 */
final class KeyPaths {
  /** On directories that exist only because a key needed them: gone with the last key below. */
  static final String IMPLICIT = "user.tiermount.implicit";

  private static final int S_IFMT = 0170000;
  private static final int S_IFREG = 0100000;
  private static final int S_IFLNK = 0120000;
  private static final int DIRECTORY_MODE = 0755;

  private final InternalFiles files;

  KeyPaths(InternalFiles files) {
    this.files = files;
  }

  /**
   * An open directory of the bucket.
   *
   * @param fd from a {@link Descriptors}, whose life it shares
   * @param parent null for the top
   * @param escaped its name is of the escaped form
   */
  record Directory(int fd, @Nullable Directory parent, String name, boolean escaped) {}

  /**
   * Where an object is.
   *
   * @param name within the directory; "." where the object is the empty directory itself
   */
  record Place(Directory directory, String name, FileStat stat) {
    boolean isEmptyDirectory() {
      return name.equals(".");
    }

    boolean isSymlink() {
      return (stat.mode() & S_IFMT) == S_IFLNK;
    }
  }

  /** The top of the bucket. */
  Directory root(Descriptors descriptors) throws ErrnoException {
    return new Directory(descriptors.openRoot(files.rootPath()), null, "", false);
  }

  /** The directories that hold what has these segments in front; none where there are none. */
  List<Directory> directories(Descriptors descriptors, List<String> segments)
      throws ErrnoException {
    List<Directory> current = List.of(root(descriptors));
    for (String segment : segments) {
      List<Directory> next = new ArrayList<>(1);
      for (Directory directory : current) {
        Directory plain = plain(descriptors, directory, segment);
        if (plain != null) {
          next.add(plain);
        }
        Directory escaped = escaped(descriptors, directory, segment);
        if (escaped != null) {
          next.add(escaped);
        }
      }
      current = next;
    }
    return current;
  }

  private static @Nullable Directory plain(Descriptors descriptors, Directory at, String segment)
      throws ErrnoException {
    Integer fd = SegmentNames.isPlain(segment) ? descriptors.directory(at.fd, segment) : null;
    return fd == null ? null : new Directory(fd, at, segment, false);
  }

  static @Nullable Directory escaped(Descriptors descriptors, Directory at, String segment)
      throws ErrnoException {
    return chain(descriptors, at, SegmentNames.escaped(segment, true));
  }

  private static @Nullable Directory chain(
      Descriptors descriptors, Directory at, List<String> names) throws ErrnoException {
    Directory current = at;
    for (String name : names) {
      Integer fd = descriptors.directory(current.fd, name);
      if (fd == null) {
        return null;
      }
      current = new Directory(fd, current, name, true);
    }
    return current;
  }

  /** Where the object of a key is; null where there is none. */
  @Nullable Place locate(Descriptors descriptors, String key) throws ErrnoException {
    List<String> segments = segments(key);
    String last = segments.getLast();
    List<Directory> directories =
        directories(descriptors, segments.subList(0, segments.size() - 1));
    for (Directory directory : directories) {
      Place place = object(directory, last, false, descriptors);
      place = place == null ? object(directory, last, true, descriptors) : place;
      if (place != null) {
        return place;
      }
    }
    return last.isEmpty() && directories.size() == 1
        ? emptyDirectory(descriptors, directories.getFirst())
        : null;
  }

  /** The object under one of the two forms of its name; null where there is none. */
  static @Nullable Place object(
      Directory directory, String segment, boolean escaped, Descriptors descriptors)
      throws ErrnoException {
    Directory holder = directory;
    String name = segment;
    if (escaped) {
      List<String> chain = SegmentNames.escaped(segment, false);
      holder = chain(descriptors, directory, chain.subList(0, chain.size() - 1));
      name = chain.getLast();
    } else if (!SegmentNames.isPlain(segment)) {
      return null;
    }
    if (holder == null) {
      return null;
    }
    FileStat stat = statOrNull(holder.fd, name);
    return stat != null && isObject(stat.mode()) ? new Place(holder, name, stat) : null;
  }

  private static boolean isObject(int mode) {
    return (mode & S_IFMT) == S_IFREG || (mode & S_IFMT) == S_IFLNK;
  }

  /** An empty directory that a person made is the object "name/". */
  static @Nullable Place emptyDirectory(Descriptors descriptors, Directory directory)
      throws ErrnoException {
    if (directory.parent == null || directory.escaped || !isEmpty(descriptors, directory)) {
      return null;
    }
    return isImplicit(directory)
        ? null
        : new Place(directory, ".", DirectoryCalls.stat(directory.fd, "."));
  }

  private static boolean isEmpty(Descriptors descriptors, Directory directory)
      throws ErrnoException {
    boolean[] empty = {true};
    int fd;
    try {
      fd = descriptors.readable(directory.fd);
    } catch (ErrnoException e) {
      if (Descriptors.isAbsent(e)) {
        return false; // removed under our hands
      }
      throw e;
    }
    DirectoryCalls.list(
        fd,
        (_, _) -> {
          empty[0] = false;
          return false;
        });
    return empty[0];
  }

  /** True for a directory that we made for a key's sake, also where no attribute can tell. */
  static boolean isImplicit(Directory directory) throws ErrnoException {
    try {
      DirectoryCalls.xattr(directory.fd, ".", IMPLICIT);
      return true;
    } catch (ErrnoException e) {
      if (e.errno() == Errno.ENODATA) {
        return false;
      }
      if (e.errno() == Errno.EOPNOTSUPP || Descriptors.isAbsent(e)) {
        return true;
      }
      throw e;
    }
  }

  static @Nullable FileStat statOrNull(int directory, String name) throws ErrnoException {
    try {
      return DirectoryCalls.stat(directory, name);
    } catch (ErrnoException e) {
      if (Descriptors.isAbsent(e)) {
        return null;
      }
      throw e;
    }
  }

  /**
   * Where a new object goes: makes the directories in front of it that are missing.
   *
   * @return the directory and the name; nothing has that name but perhaps a file that appeared
   * @throws ErrnoException ENOENT where a directory vanished meanwhile: try again
   */
  Target target(Descriptors descriptors, String key) throws ErrnoException {
    List<String> segments = segments(key);
    Directory current = root(descriptors);
    for (String segment : segments.subList(0, segments.size() - 1)) {
      current = enter(descriptors, current, segment);
    }
    String last = segments.getLast();
    if (SegmentNames.isPlain(last)) {
      FileStat there = statOrNull(current.fd, last);
      if (there == null || isObject(there.mode())) {
        return new Target(current, last);
      }
    }
    List<String> chain = SegmentNames.escaped(last, false);
    for (String name : chain.subList(0, chain.size() - 1)) {
      current = make(descriptors, current, name);
    }
    return new Target(current, chain.getLast());
  }

  /** A name to be taken. */
  record Target(Directory directory, String name) {}

  private Directory enter(Descriptors descriptors, Directory at, String segment)
      throws ErrnoException {
    Directory found = plain(descriptors, at, segment);
    found = found == null ? escaped(descriptors, at, segment) : found;
    if (found != null) {
      return found;
    }
    if (SegmentNames.isPlain(segment) && statOrNull(at.fd, segment) == null) {
      makeImplicit(descriptors, at, segment);
      found = plain(descriptors, at, segment);
      if (found != null) {
        return found;
      }
    }
    Directory current = at;
    for (String name : SegmentNames.escaped(segment, true)) {
      current = make(descriptors, current, name);
    }
    return current;
  }

  private static Directory make(Descriptors descriptors, Directory at, String name)
      throws ErrnoException {
    try {
      DirectoryCalls.mkdir(at.fd, name, DIRECTORY_MODE);
    } catch (ErrnoException e) {
      if (e.errno() != Errno.EEXIST) {
        throw e;
      }
    }
    return new Directory(descriptors.open(at.fd, name, Descriptors.WALK, 0), at, name, true);
  }

  /** Marked before it has its name, so that nobody ever takes it for one that a person made. */
  private void makeImplicit(Descriptors descriptors, Directory at, String name)
      throws ErrnoException {
    int temporaries = files.temporaries(descriptors);
    String temporary = "dir-" + UUID.randomUUID();
    DirectoryCalls.mkdir(temporaries, temporary, DIRECTORY_MODE);
    boolean moved = false;
    try {
      int fd = descriptors.open(temporaries, temporary, LibC.O_RDONLY | LibC.O_DIRECTORY, 0);
      try {
        Xattrs.set(fd, IMPLICIT, "1".getBytes(StandardCharsets.US_ASCII), 0);
      } catch (ErrnoException e) {
        if (e.errno() != Errno.EOPNOTSUPP) {
          throw e;
        }
      }
      InternalFiles.renameToFree(temporaries, temporary, at.fd, name);
      moved = true;
    } catch (ErrnoException e) {
      if (e.errno() != Errno.EEXIST && e.errno() != Errno.ENOTEMPTY) {
        throw e;
      }
    } finally {
      if (!moved) {
        DirectoryCalls.rmdir(temporaries, temporary);
      }
    }
  }

  /**
   * Removes a directory that became empty, and those above that exist only for its sake.
   *
   * @param always also where a person made the lowest one
   */
  static void prune(Directory lowest, boolean always) throws ErrnoException {
    Directory current = lowest;
    boolean removable = always;
    while (current.parent != null && (removable || current.escaped || isImplicit(current))) {
      try {
        DirectoryCalls.rmdir(current.parent.fd, current.name);
      } catch (ErrnoException e) {
        return; // not empty, gone already, or busy: then it stays
      }
      current = current.parent;
      removable = false;
    }
  }

  /** What stands between the slashes; the last is "" for a key that ends with one. */
  static List<String> segments(String key) {
    return List.of(key.split("/", -1));
  }
}
