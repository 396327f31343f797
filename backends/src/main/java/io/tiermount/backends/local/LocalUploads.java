package io.tiermount.backends.local;

import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.ObjectStore.PendingUpload;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.StoreException.Kind;
import io.tiermount.backends.WriteCondition;
import io.tiermount.backends.local.InternalFiles.Temporary;
import io.tiermount.backends.os.DirectoryCalls;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.FileStat;
import io.tiermount.backends.os.LibC;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Uploads in parts: {@code .tiermount/uploads/ID/} holds the file {@code key}, the file {@code
 * attributes} and one file {@code part-NNNNN} for each part. All state is on disk. Any thread, any
 * process.
 */
final class LocalUploads {
  private static final String KEY = "key";
  private static final String ATTRIBUTES = "attributes";
  private static final String PART = "part-";
  private static final int PRIVATE_FILE = 0600;
  private static final int PRIVATE_DIRECTORY = 0700;
  private static final int MAX_TEXT_BYTES = 64 << 10;
  private static final Pattern ID = Pattern.compile("[0-9a-f-]{36}");

  private final InternalFiles files;
  private final ObjectWriter writer;

  LocalUploads(InternalFiles files, ObjectWriter writer) {
    this.files = files;
    this.writer = writer;
  }

  /** Begins one; the directory gets its name when it is complete. */
  String start(String key, ObjectAttributes attributes) throws IOException {
    String id = UUID.randomUUID().toString();
    String temporary = "upload-" + id;
    try (Descriptors descriptors = new Descriptors()) {
      int temporaries = files.temporaries(descriptors);
      DirectoryCalls.mkdir(temporaries, temporary, PRIVATE_DIRECTORY);
      int directory = descriptors.open(temporaries, temporary, Descriptors.WALK, 0);
      // Only the writer's attributes count here, the rest comes from the finished file.
      StoredAttributes stored = new StoredAttributes(attributes, "", 0, 0, 0, 0);
      writeText(descriptors, directory, KEY, key.getBytes(StandardCharsets.UTF_8));
      writeText(descriptors, directory, ATTRIBUTES, stored.encode());
      DirectoryCalls.rename(temporaries, temporary, files.uploads(descriptors), id, 0);
    }
    return id;
  }

  private static void writeText(Descriptors descriptors, int directory, String name, byte[] text)
      throws ErrnoException {
    int flags = LibC.O_WRONLY | LibC.O_CREAT | LibC.O_EXCL;
    FileBytes.write(descriptors.open(directory, name, flags, PRIVATE_FILE), text);
  }

  /** Fills a file. */
  interface Filling {
    void fill(int fd) throws IOException;
  }

  /** Stores a part whole, or not at all. */
  void part(String key, String id, int number, Filling filling) throws IOException {
    try (Descriptors descriptors = new Descriptors()) {
      int upload = require(descriptors, key, id);
      Temporary file = files.temporary(descriptors);
      try {
        filling.fill(file.fd());
        DirectoryCalls.rename(file.directory(), file.name(), upload, partName(number), 0);
      } finally {
        file.remove();
      }
    }
  }

  private static String partName(int number) {
    return PART + String.format(Locale.ROOT, "%05d", number);
  }

  /** Joins the parts and publishes. The parts stay until that has happened. */
  ObjectInfo complete(String key, String id, WriteCondition condition)
      throws IOException, InterruptedException {
    try (Descriptors descriptors = new Descriptors()) {
      Integer upload = find(descriptors, key, id);
      if (upload == null) {
        ObjectInfo done = writer.madeBy(key, id);
        if (done != null) {
          return done;
        }
        throw unknown(key, id);
      }
      List<String> parts = parts(descriptors, key, upload);
      Temporary file = files.temporary(descriptors);
      ObjectInfo info;
      try {
        join(upload, parts, file.fd());
        info = publish(descriptors, key, id, upload, file, condition);
      } finally {
        file.remove();
      }
      remove(descriptors, id);
      return info;
    }
  }

  private ObjectInfo publish(
      Descriptors descriptors,
      String key,
      String id,
      int upload,
      Temporary file,
      WriteCondition condition)
      throws IOException, InterruptedException {
    byte[] text = readText(descriptors, upload, ATTRIBUTES);
    StoredAttributes stored = text == null ? null : StoredAttributes.decode(text);
    if (stored == null) {
      throw unknown(key, id);
    }
    try {
      return writer.publish(key, file, stored.attributes(), id, condition);
    } catch (StoreException e) {
      ObjectInfo done = e.kind() == Kind.PRECONDITION_FAILED ? writer.madeBy(key, id) : null;
      if (done != null) {
        return done; // a try before this one succeeded, and died before it could say so
      }
      throw e;
    }
  }

  private static void join(int upload, List<String> parts, int target) throws IOException {
    long size = 0;
    for (String part : parts) {
      try (Descriptors one = new Descriptors()) {
        int fd = one.open(upload, part, LibC.O_RDONLY, 0);
        long partBytes = LibC.fstat(fd).sizeBytes();
        if (size == 0) {
          FileBytes.copy(fd, target, partBytes);
        } else {
          FileBytes.append(fd, 0, target, size, partBytes);
        }
        size += partBytes;
      }
    }
  }

  /** The names of all parts, which must be 1 to n. */
  private static List<String> parts(Descriptors descriptors, String key, int upload)
      throws IOException {
    List<String> names = new ArrayList<>();
    DirectoryCalls.list(
        descriptors.readable(upload),
        (name, _) -> {
          if (name.startsWith(PART)) {
            names.add(name);
          }
          return true;
        });
    Collections.sort(names);
    if (names.isEmpty()) {
      throw new StoreException(
          Kind.INVALID, key, "the upload of '" + key + "' has no parts: send one first");
    }
    for (int i = 0; i < names.size(); i++) {
      if (!names.get(i).equals(partName(i + 1))) {
        throw new StoreException(
            Kind.INVALID, key, "part " + (i + 1) + " of the upload of '" + key + "' is missing");
      }
    }
    return names;
  }

  /** Removes an upload, if it is there. */
  void abort(String id) throws IOException {
    if (ID.matcher(id).matches()) {
      try (Descriptors descriptors = new Descriptors()) {
        remove(descriptors, id);
      }
    }
  }

  private void remove(Descriptors descriptors, String id) throws ErrnoException {
    Integer uploads = files.existing(descriptors, "uploads");
    Integer upload = uploads == null ? null : descriptors.directory(uploads, id);
    if (uploads == null || upload == null) {
      return;
    }
    try {
      List<String> names = new ArrayList<>();
      DirectoryCalls.list(descriptors.readable(upload), (name, _) -> names.add(name));
      for (String name : names) {
        DirectoryCalls.unlink(upload, name);
      }
      DirectoryCalls.rmdir(uploads, id);
    } catch (ErrnoException e) {
      if (!Descriptors.isAbsent(e)) {
        throw e; // otherwise another abort was faster
      }
    }
  }

  /** Uploads that nobody completed or aborted. */
  List<PendingUpload> pending(String prefix) throws ErrnoException {
    List<PendingUpload> result = new ArrayList<>();
    try (Descriptors descriptors = new Descriptors()) {
      Integer uploads = files.existing(descriptors, "uploads");
      if (uploads == null) {
        return result;
      }
      List<String> ids = new ArrayList<>();
      DirectoryCalls.list(descriptors.readable(uploads), (name, _) -> ids.add(name));
      for (String id : ids) {
        try (Descriptors one = new Descriptors()) {
          Integer upload = one.directory(uploads, id);
          byte[] key = upload == null ? null : readText(one, upload, KEY);
          String text = key == null ? null : new String(key, StandardCharsets.UTF_8);
          if (text != null && text.startsWith(prefix)) {
            result.add(new PendingUpload(text, id));
          }
        }
      }
    }
    return result;
  }

  private int require(Descriptors descriptors, String key, String id) throws IOException {
    Integer upload = find(descriptors, key, id);
    if (upload == null) {
      throw unknown(key, id);
    }
    return upload;
  }

  private @Nullable Integer find(Descriptors descriptors, String key, String id)
      throws ErrnoException {
    // An id may come from a journal on disk: it must not name anything but an upload.
    Integer uploads = ID.matcher(id).matches() ? files.existing(descriptors, "uploads") : null;
    Integer upload = uploads == null ? null : descriptors.directory(uploads, id);
    byte[] text = upload == null ? null : readText(descriptors, upload, KEY);
    return text != null && key.equals(new String(text, StandardCharsets.UTF_8)) ? upload : null;
  }

  private static byte @Nullable [] readText(Descriptors descriptors, int directory, String name)
      throws ErrnoException {
    FileStat stat = KeyPaths.statOrNull(directory, name);
    if (stat == null || stat.sizeBytes() > MAX_TEXT_BYTES) {
      return null;
    }
    int fd = descriptors.open(directory, name, LibC.O_RDONLY, 0);
    ByteBuffer text = ByteBuffer.allocate((int) stat.sizeBytes());
    try {
      FileBytes.read(fd, 0, stat.sizeBytes(), text::put);
    } catch (ErrnoException e) {
      throw e;
    } catch (IOException e) {
      return null; // interrupted: the caller's next call says so
    }
    return text.array();
  }

  private static StoreException unknown(String key, String id) {
    return new StoreException(
        Kind.NOT_FOUND,
        key,
        "there is no upload " + id + " of '" + key + "': it was completed or aborted");
  }
}
