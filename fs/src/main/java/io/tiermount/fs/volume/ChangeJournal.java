package io.tiermount.fs.volume;

import io.tiermount.backends.Version;
import io.tiermount.fs.meta.Batch;
import io.tiermount.fs.meta.KeyValue;
import io.tiermount.fs.meta.MetaException;
import io.tiermount.fs.meta.Scan;
import io.tiermount.fs.meta.StateColumn;
import io.tiermount.fs.meta.StateStore;
import io.tiermount.fs.meta.StateStore.Durability;
import io.tiermount.fs.tree.Node;
import io.tiermount.fs.volume.LocalFile.Attempt;
import io.tiermount.fs.volume.LocalFile.ObjectMeta;
import io.tiermount.fs.volume.NameChange.InStore;
import io.tiermount.fs.write.Base;
import io.tiermount.fs.write.DirtyFile;
import io.tiermount.fs.write.Stamp;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;

/**
 * What this node has promised and the store has not yet, in {@code state/}: local files, changed
 * names, renames of directories under way, and what lost a race. Keys begin with the kind and the
 * number of the mount's root, so that mounts lie apart. Every change survives a kill; what an fsync
 * acknowledged survives a power loss ({@link #sync}).
 */
final class ChangeJournal {
  private static final byte FILE = 'F';
  private static final byte CHUNKS = 'P';
  private static final byte NAME = 'N';
  private static final byte MOVE = 'M';
  private static final byte LOST = 'R';
  private static final byte REQUEST = 'U';
  private static final byte FORM = 1;

  private final StateStore state;
  private final KeyValue journal;
  private final long rootId;

  /** To be deleted with the next change; as many as changes are answered between two. */
  private final Queue<Long> answered = new ConcurrentLinkedQueue<>();

  ChangeJournal(StateStore state, long rootId) {
    this.state = state;
    this.journal = state.column(StateColumn.JOURNAL);
    this.rootId = rootId;
  }

  /** Writes several things at once. */
  void batch(Batch.Writer writer) throws MetaException {
    state.batch(Durability.KILL, writer);
  }

  /** All that was written so far survives a power loss. */
  void sync() throws MetaException {
    state.batch(
        Durability.POWER_LOSS, batch -> batch.put(journal, new byte[] {'S'}, new byte[] {FORM}));
  }

  /** The staging files that the journals of all mounts know; every other one is a leftover. */
  static Set<Long> stagingIds(StateStore state) throws IOException {
    KeyValue journal = state.column(StateColumn.JOURNAL);
    Set<Long> ids = new HashSet<>();
    try (Scan scan = journal.scan(new byte[] {FILE})) {
      while (scan.next()) {
        ids.add(decodeFile(0, scan.value()).stagingId());
      }
    }
    try (Scan scan = journal.scan(new byte[] {LOST})) {
      while (scan.next()) {
        ids.add(ByteBuffer.wrap(scan.key()).getLong(9));
      }
    }
    return ids;
  }

  // ---- Files

  /** A file as it was written down. */
  record FileRecord(
      long nodeId,
      boolean directory,
      long directoryId,
      long stagingId,
      boolean tracked,
      long underBytes,
      Stamp published,
      boolean acknowledged,
      boolean metaChanged,
      @Nullable Base base,
      ObjectMeta meta,
      @Nullable Attempt attempt) {
    boolean hasContent() {
      return stagingId != 0;
    }
  }

  static FileRecord record(LocalFile file) {
    DirtyFile data = file.content();
    return new FileRecord(
        file.node().id(),
        file.isDirectory(),
        data == null ? 0 : data.staging().directoryId(),
        data == null ? 0 : data.staging().id(),
        data != null && data.isTracked(),
        data == null ? -1 : data.underBytes(),
        file.published(),
        file.isAcknowledged(),
        file.isMetaChanged(),
        file.base(),
        file.meta(),
        file.attempt());
  }

  void put(Batch batch, LocalFile file) throws MetaException {
    batch.put(journal, key(FILE, file.node().id()), encode(record(file)));
  }

  void put(LocalFile file) throws MetaException {
    journal.put(key(FILE, file.node().id()), encode(record(file)));
  }

  void remove(Batch batch, LocalFile file) throws MetaException {
    DirtyFile data = file.content();
    remove(batch, file.node().id(), data != null && !data.isWhole());
  }

  /** A file's record; with its chunks where it may have some. */
  void remove(Batch batch, long nodeId, boolean chunks) throws MetaException {
    batch.delete(journal, key(FILE, nodeId));
    if (chunks) {
      batch.deleteRange(journal, key(CHUNKS, nodeId), key(CHUNKS, nodeId + 1));
    }
  }

  void chunks(long nodeId, int group, long bits) throws MetaException {
    byte[] key = ByteBuffer.allocate(21).put(key(CHUNKS, nodeId)).putInt(group).array();
    journal.put(key, KeyValue.key(bits));
  }

  /** Takes what is read. */
  interface Taker<T> {
    void take(T value) throws IOException;
  }

  void files(Taker<FileRecord> taker) throws IOException {
    try (Scan scan = journal.scan(prefix(FILE))) {
      while (scan.next()) {
        taker.take(decodeFile(ByteBuffer.wrap(scan.key()).getLong(9), scan.value()));
      }
    }
  }

  void chunksOf(long nodeId, DirtyFile file) throws IOException {
    try (Scan scan = journal.scan(key(CHUNKS, nodeId))) {
      while (scan.next()) {
        file.restore(
            ByteBuffer.wrap(scan.key()).getInt(17), ByteBuffer.wrap(scan.value()).getLong());
      }
    }
  }

  // ---- Names

  /** A name as it was written down; {@code nodeId} 0 where it shall lead nowhere. */
  record NameRecord(
      long dirId,
      String name,
      String segment,
      long nodeId,
      boolean directory,
      @Nullable String alsoKey,
      InStore inStore,
      boolean otherKind) {}

  void put(Batch batch, NameChange change) throws MetaException {
    batch.put(journal, nameKey(change.dir().id(), change.name()), encode(change));
  }

  void put(NameChange change) throws MetaException {
    journal.put(nameKey(change.dir().id(), change.name()), encode(change));
  }

  void remove(Batch batch, NameChange change) throws MetaException {
    batch.delete(journal, nameKey(change.dir().id(), change.name()));
  }

  void names(Taker<NameRecord> taker) throws IOException {
    try (Scan scan = journal.scan(prefix(NAME))) {
      while (scan.next()) {
        byte[] key = scan.key();
        String name = new String(key, 17, key.length - 17, StandardCharsets.UTF_8);
        taker.take(decodeName(ByteBuffer.wrap(key).getLong(9), name, scan.value()));
      }
    }
  }

  // ---- Renames of directories

  /**
   * A rename that the store has not seen the end of.
   *
   * @param from prefix, ends with /
   * @param to prefix, ends with /
   * @param copied all is under the new prefix; what is left is to delete the old one
   */
  record MoveRecord(long nodeId, String from, String to, boolean copied) {}

  void put(Batch batch, MoveRecord move) throws MetaException {
    batch.put(
        journal,
        key(MOVE, move.nodeId),
        bytes(out -> {
          out.writeUTF(move.from);
          out.writeUTF(move.to);
          out.writeBoolean(move.copied);
        }));
  }

  void removeMove(Batch batch, long nodeId) throws MetaException {
    batch.delete(journal, key(MOVE, nodeId));
  }

  void moves(Taker<MoveRecord> taker) throws IOException {
    try (Scan scan = journal.scan(prefix(MOVE))) {
      while (scan.next()) {
        DataInputStream in = open(scan.value());
        taker.take(
            new MoveRecord(
                ByteBuffer.wrap(scan.key()).getLong(9),
                in.readUTF(),
                in.readUTF(),
                in.readBoolean()));
      }
    }
  }

  // ---- Requests that made changes

  /** In the batch of a change: the request it is made for has happened. */
  void happened(Batch batch, long nodeId) throws MetaException {
    long number = RequestNumber.current();
    if (number != 0) {
      batch.put(journal, key(REQUEST, number), KeyValue.key(nodeId));
    }
    for (Long old = answered.poll(); old != null; old = answered.poll()) {
      batch.delete(journal, key(REQUEST, old));
    }
  }

  /** The kernel has the answer to a request: it never comes again. */
  void answered(long number) {
    answered.add(number);
  }

  /** The node that a request changed; null where it did not happen. */
  @Nullable Long happenedBefore(long number) throws MetaException {
    byte[] node = journal.get(key(REQUEST, number));
    return node == null ? null : ByteBuffer.wrap(node).getLong();
  }

  /** A new connection to the kernel counts anew. */
  void forgetRequests() throws MetaException {
    batch(batch -> batch.deleteRange(journal, key(REQUEST, 0), key(REQUEST, -1)));
  }

  // ---- What lost a race

  /** Content kept for a person to look at: its staging file's id, its path below the mount. */
  record LostRecord(
      long id, long directoryId, String path, String why, long sizeBytes, long atMillis) {}

  void put(Batch batch, LostRecord lost) throws MetaException {
    batch.put(
        journal,
        key(LOST, lost.id),
        bytes(out -> {
          out.writeLong(lost.directoryId);
          out.writeUTF(lost.path);
          out.writeUTF(lost.why);
          out.writeLong(lost.sizeBytes);
          out.writeLong(lost.atMillis);
        }));
  }

  void lost(Taker<LostRecord> taker) throws IOException {
    try (Scan scan = journal.scan(prefix(LOST))) {
      while (scan.next()) {
        long id = ByteBuffer.wrap(scan.key()).getLong(9);
        DataInputStream in = open(scan.value());
        taker.take(
            new LostRecord(
                id, in.readLong(), in.readUTF(), in.readUTF(), in.readLong(), in.readLong()));
      }
    }
  }

  void removeLost(long id) throws MetaException {
    batch(batch -> batch.delete(journal, key(LOST, id)));
  }

  // ---- Codec

  private byte[] prefix(byte kind) {
    return ByteBuffer.allocate(9).put(kind).putLong(rootId).array();
  }

  private byte[] key(byte kind, long id) {
    return ByteBuffer.allocate(17).put(kind).putLong(rootId).putLong(id).array();
  }

  private byte[] nameKey(long dirId, String name) {
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(17 + bytes.length).put(key(NAME, dirId)).put(bytes).array();
  }

  private interface Fields {
    void write(DataOutputStream out) throws IOException;
  }

  private static byte[] bytes(Fields fields) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(256);
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeByte(FORM);
      fields.write(out);
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory", e);
    }
    return bytes.toByteArray();
  }

  private static DataInputStream open(byte[] bytes) throws IOException {
    DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes));
    int form = in.readByte();
    if (form != FORM) {
      throw new IOException(
          "the journal in state/ was written by another version of tiermount (form "
              + form
              + "): start that version again and let it finish its uploads");
    }
    return in;
  }

  private static byte[] encode(FileRecord r) {
    return bytes(out -> {
      out.writeLong(r.directoryId);
      out.writeLong(r.stagingId);
      out.writeByte(
          (r.tracked ? 1 : 0)
              | (r.acknowledged ? 2 : 0)
              | (r.metaChanged ? 4 : 0)
              | (r.directory ? 8 : 0));
      out.writeLong(r.underBytes);
      out.writeLong(r.published.sizeBytes());
      out.writeLong(r.published.mtimeNanos());
      out.writeLong(r.published.ctimeNanos());
      Base base = r.base;
      text(out, base == null ? null : base.key());
      if (base != null) {
        out.writeUTF(base.version().token());
        out.writeLong(base.sizeBytes());
      }
      PosixMetadata posix = r.meta.posix();
      @Nullable Number[] values = {
        posix.mode(),
        posix.uid(),
        posix.gid(),
        posix.rdev(),
        posix.mtimeNanos(),
        posix.ctimeNanos(),
        posix.atimeNanos()
      };
      for (Number value : values) {
        out.writeBoolean(value != null);
        if (value != null) {
          out.writeLong(value.longValue());
        }
      }
      text(out, r.meta.contentType());
      Map<String, String> foreign = r.meta.foreign();
      out.writeInt(foreign == null ? -1 : foreign.size());
      for (Map.Entry<String, String> entry :
          foreign == null ? Set.<Map.Entry<String, String>>of() : foreign.entrySet()) {
        out.writeUTF(entry.getKey());
        out.writeUTF(entry.getValue());
      }
      Attempt attempt = r.attempt;
      text(out, attempt == null ? null : attempt.id());
      if (attempt != null) {
        out.writeUTF(attempt.key());
        out.writeUTF(attempt.uploadId());
      }
    });
  }

  private static FileRecord decodeFile(long nodeId, byte[] bytes) throws IOException {
    DataInputStream in = open(bytes);
    long directoryId = in.readLong();
    long stagingId = in.readLong();
    int flags = in.readByte();
    long underBytes = in.readLong();
    Stamp published = new Stamp(in.readLong(), in.readLong(), in.readLong());
    String key = text(in);
    Base base = key == null ? null : new Base(key, new Version(in.readUTF()), in.readLong());
    PosixMetadata posix =
        new PosixMetadata(
            integer(in), integer(in), integer(in), integer(in), number(in), number(in), number(in));
    String contentType = text(in);
    int entries = in.readInt();
    Map<String, String> foreign = entries < 0 ? null : new HashMap<>();
    for (int left = entries; foreign != null && left > 0; left--) {
      foreign.put(in.readUTF(), in.readUTF());
    }
    String attemptId = text(in);
    Attempt attempt = attemptId == null ? null : new Attempt(attemptId, in.readUTF(), in.readUTF());
    return new FileRecord(
        nodeId,
        (flags & 8) != 0,
        directoryId,
        stagingId,
        (flags & 1) != 0,
        underBytes,
        published,
        (flags & 2) != 0,
        (flags & 4) != 0,
        base,
        new ObjectMeta(posix, contentType, foreign),
        attempt);
  }

  private static byte[] encode(NameChange change) {
    Node node = change.present();
    return bytes(out -> {
      out.writeUTF(change.segment());
      out.writeLong(node == null ? 0 : node.id());
      out.writeBoolean(change.isDirectory());
      text(out, change.alsoKey());
      switch (change.inStore()) {
        case InStore.Nothing _ -> out.writeUTF("");
        case InStore.Unknown _ -> out.writeUTF("?");
        case InStore.Held(Version version) -> out.writeUTF("=" + version.token());
      }
      out.writeBoolean(change.hasOtherKind());
    });
  }

  private static NameRecord decodeName(long dirId, String name, byte[] bytes) throws IOException {
    DataInputStream in = open(bytes);
    String segment = in.readUTF();
    long nodeId = in.readLong();
    boolean directory = in.readBoolean();
    String alsoKey = text(in);
    String store = in.readUTF();
    InStore inStore =
        store.isEmpty()
            ? InStore.NOTHING
            : store.equals("?")
                ? InStore.UNKNOWN
                : new InStore.Held(new Version(store.substring(1)));
    // Absent in journals of the first version.
    boolean otherKind = in.available() > 0 && in.readBoolean();
    return new NameRecord(dirId, name, segment, nodeId, directory, alsoKey, inStore, otherKind);
  }

  private static void text(DataOutputStream out, @Nullable String text) throws IOException {
    out.writeBoolean(text != null);
    if (text != null) {
      out.writeUTF(text);
    }
  }

  private static @Nullable String text(DataInputStream in) throws IOException {
    return in.readBoolean() ? in.readUTF() : null;
  }

  private static @Nullable Long number(DataInputStream in) throws IOException {
    return in.readBoolean() ? in.readLong() : null;
  }

  private static @Nullable Integer integer(DataInputStream in) throws IOException {
    Long value = number(in);
    return value == null ? null : value.intValue();
  }
}
