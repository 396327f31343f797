package io.tiermount.backends.local;

import io.tiermount.backends.Keys;
import io.tiermount.backends.ListPage;
import io.tiermount.backends.ListRequest;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.local.DirectorySnapshot.Entry;
import io.tiermount.backends.local.DirectorySnapshot.Form;
import io.tiermount.backends.local.KeyPaths.Directory;
import io.tiermount.backends.local.KeyPaths.Place;
import io.tiermount.backends.os.DirectoryCalls;
import io.tiermount.backends.os.ErrnoException;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One page of a listing: a walk over the directories in key order, from behind where the page
 * before ended. One thread, one use.
 */
final class KeyListing {
  private final KeyPaths paths;
  private final ObjectFiles objects;
  private final SnapshotCache snapshots;
  private final ListRequest request;
  private final @Nullable String after;
  private final List<ObjectInfo> found = new ArrayList<>();
  private final List<String> prefixes = new ArrayList<>();
  private String last = "";
  private boolean more;

  KeyListing(KeyPaths paths, ObjectFiles objects, SnapshotCache snapshots, ListRequest request)
      throws StoreException {
    this.paths = paths;
    this.objects = objects;
    this.snapshots = snapshots;
    this.request = request;
    this.after = request.token() == null ? request.startAfter() : decode(request.token());
  }

  /** The page. */
  ListPage page() throws ErrnoException, InterruptedIOException {
    try (Descriptors descriptors = new Descriptors()) {
      String prefix = request.prefix();
      String directory = prefix.substring(0, prefix.lastIndexOf('/') + 1);
      List<String> segments = KeyPaths.segments(directory);
      List<Directory> start =
          paths.directories(descriptors, segments.subList(0, segments.size() - 1));
      if (!start.isEmpty() && !isPast(directory)) {
        walk(descriptors, start, directory);
      }
    }
    return new ListPage(found, prefixes, more ? encode(last) : null);
  }

  /** True where every key that begins with {@code directory} was on an earlier page. */
  private boolean isPast(String directory) {
    return after != null
        && Keys.ORDER.compare(directory, after) <= 0
        && !after.startsWith(directory);
  }

  /** Visits the keys below a directory; false where the page is full. */
  private boolean walk(Descriptors descriptors, List<Directory> directories, String keyPrefix)
      throws ErrnoException, InterruptedIOException {
    String from = lowerBound(keyPrefix);
    while (true) {
      DirectorySnapshot snapshot = snapshots.get(descriptors, directories, from);
      List<Entry> entries = snapshot.entries();
      for (int i = firstFrom(entries, from); i < entries.size(); ) {
        Entry entry = entries.get(i);
        String key = keyPrefix + entry.sortName();
        if (!key.startsWith(request.prefix())) {
          if (Keys.ORDER.compare(key, request.prefix()) > 0) {
            return true;
          }
          i++;
          continue;
        }
        int end = i + 1;
        while (end < entries.size() && entries.get(end).sortName().equals(entry.sortName())) {
          end++;
        }
        boolean goOn =
            entry.isDirectory()
                ? directory(directories, entries.subList(i, end), key)
                : file(directories, entry, key);
        if (!goOn) {
          return false;
        }
        i = end;
      }
      if (snapshot.complete()) {
        return true;
      }
      // The next window begins behind the last name: nothing sorts between a name and it with NUL.
      from = entries.getLast().sortName() + "\0";
    }
  }

  /** Where to begin in a directory: at the prefix, and where the page before ended. */
  private String lowerBound(String keyPrefix) {
    String prefix = request.prefix();
    String bound = prefix.startsWith(keyPrefix) ? prefix.substring(keyPrefix.length()) : "";
    if (after != null && after.startsWith(keyPrefix)) {
      String rest = after.substring(keyPrefix.length());
      int slash = rest.indexOf('/');
      String resumed = slash < 0 ? rest : rest.substring(0, slash + 1);
      return Keys.ORDER.compare(bound, resumed) < 0 ? resumed : bound;
    }
    return bound;
  }

  private static int firstFrom(List<Entry> entries, String from) {
    int low = 0;
    int high = entries.size();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (Keys.ORDER.compare(entries.get(middle).sortName(), from) < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  private boolean file(List<Directory> directories, Entry entry, String key) throws ErrnoException {
    String rolled = rollUp(key);
    if (isSeen(rolled == null ? key : rolled)) {
      return true;
    }
    if (rolled != null) {
      return prefix(rolled);
    }
    Optional<ObjectInfo> info = info(directories.get(entry.directory()), entry, key);
    if (info.isEmpty()) {
      return true; // deleted since the directory was read
    }
    if (isFull()) {
      return false;
    }
    found.add(info.get());
    last = key;
    return true;
  }

  private Optional<ObjectInfo> info(Directory directory, Entry entry, String key)
      throws ErrnoException {
    try (Descriptors descriptors = new Descriptors()) {
      return switch (entry.form()) {
        case PLAIN -> objects.info(descriptors, directory, entry.segment(), false, key);
        case ESCAPED -> objects.info(descriptors, directory, entry.segment(), true, key);
        case EMPTY_DIRECTORY -> {
          Place place = KeyPaths.emptyDirectory(descriptors, directory);
          yield place == null ? Optional.empty() : Optional.of(objects.info(key, place));
        }
      };
    }
  }

  private boolean directory(List<Directory> parents, List<Entry> doubles, String key)
      throws ErrnoException, InterruptedIOException {
    if (Thread.currentThread().isInterrupted()) {
      throw new InterruptedIOException("interrupted");
    }
    String rolled = rollUp(key);
    if (rolled == null ? isPast(key) : isSeen(rolled)) {
      return true;
    }
    try (Descriptors descriptors = new Descriptors()) {
      List<Directory> directories = new ArrayList<>(1);
      for (Entry entry : doubles) {
        Directory opened = open(descriptors, parents.get(entry.directory()), entry);
        if (opened != null) {
          directories.add(opened);
        }
      }
      if (directories.isEmpty()) {
        return true;
      }
      if (rolled == null) {
        return walk(descriptors, directories, key);
      }
      return !holdsKeys(descriptors, directories) || prefix(rolled);
    }
  }

  private static @Nullable Directory open(Descriptors descriptors, Directory parent, Entry entry)
      throws ErrnoException {
    String segment = entry.segment();
    if (entry.form() == Form.ESCAPED) {
      return KeyPaths.escaped(descriptors, parent, segment);
    }
    Integer fd = descriptors.directory(parent.fd(), segment);
    return fd == null ? null : new Directory(fd, parent, segment, false);
  }

  /** True where there is a key below: a directory that a killed writer left empty holds none. */
  private static boolean holdsKeys(Descriptors descriptors, List<Directory> directories)
      throws ErrnoException {
    for (Directory directory : directories) {
      boolean[] holds = {false};
      List<String> deeper = new ArrayList<>();
      DirectoryCalls.list(
          descriptors.readable(directory.fd()),
          (name, type) -> {
            SegmentNames.Decoded decoded =
                DirectorySnapshot.decode(name, directory.fd(), type, true);
            if (decoded != null) {
              holds[0] = decoded.kind() == SegmentNames.Kind.FILE;
              deeper.add(name);
            }
            return !holds[0];
          });
      if (holds[0] || (directories.size() == 1 && isMarker(descriptors, directory))) {
        return true;
      }
      for (String name : deeper) {
        try (Descriptors below = new Descriptors()) {
          Integer fd = below.directory(directory.fd(), name);
          boolean escaped = name.startsWith(SegmentNames.RESERVED);
          if (fd != null
              && holdsKeys(below, List.of(new Directory(fd, directory, name, escaped)))) {
            return true;
          }
        }
      }
    }
    return false;
  }

  private static boolean isMarker(Descriptors descriptors, Directory directory)
      throws ErrnoException {
    return KeyPaths.emptyDirectory(descriptors, directory) != null;
  }

  private boolean prefix(String rolled) {
    if (isFull()) {
      return false;
    }
    prefixes.add(rolled);
    last = rolled;
    return true;
  }

  private boolean isFull() {
    more = found.size() + prefixes.size() == request.maxKeys();
    return more;
  }

  private boolean isSeen(String rolled) {
    return rolled.equals(last) || (after != null && Keys.ORDER.compare(rolled, after) <= 0);
  }

  /** The common prefix that stands for a key; null where none does. */
  private @Nullable String rollUp(String key) {
    String delimiter = request.delimiter();
    if (delimiter == null) {
      return null;
    }
    int at = key.indexOf(delimiter, request.prefix().length());
    return at < 0 ? null : key.substring(0, at + delimiter.length());
  }

  /** A token belongs to one listing: the request's prefix and delimiter are part of it. */
  private String encode(String text) {
    String whole = request.prefix() + "\0" + request.delimiter() + "\0" + text;
    return Base64.getUrlEncoder().encodeToString(whole.getBytes(StandardCharsets.UTF_8));
  }

  private String decode(String token) throws StoreException {
    String own = request.prefix() + "\0" + request.delimiter() + "\0";
    try {
      String text = new String(Base64.getUrlDecoder().decode(token), StandardCharsets.UTF_8);
      if (text.startsWith(own)) {
        return text.substring(own.length());
      }
    } catch (IllegalArgumentException e) {
      throw foreign(e);
    }
    throw foreign(null);
  }

  private StoreException foreign(@Nullable Throwable cause) {
    return new StoreException(
        StoreException.Kind.INVALID,
        request.prefix(),
        "the token is not of a listing of '" + request.prefix() + "': list from its start",
        cause);
  }
}
