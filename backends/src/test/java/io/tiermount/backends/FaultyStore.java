package io.tiermount.backends;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.backends.StoreException.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * A store that fails as told: the next calls of a kind, any call by a seeded chance, all calls
 * while it is down, or calls that wait at a gate. Calls are named as in {@link CallLog}. What fails
 * here never reached the store, unless it is a lost answer. Any thread.
 */
public final class FaultyStore implements ObjectStore {
  /** How a call fails. */
  public sealed interface Fault {
    /** With this error, before the store is asked. */
    record Fails(Kind kind) implements Fault {}

    /** After the store did it: the caller sees UNAVAILABLE. */
    record LosesAnswer() implements Fault {}

    /** A read that delivers this many bytes, then ends with UNAVAILABLE. */
    record Truncates(long afterBytes) implements Fault {}
  }

  /** Holds calls until it is opened. */
  public static final class Gate {
    private final CountDownLatch opened = new CountDownLatch(1);
    private final CountDownLatch reached = new CountDownLatch(1);

    /** Lets all calls through, now and later. */
    public void open() {
      opened.countDown();
    }

    /** Waits until a call stands at the gate. */
    public void awaitCall() throws InterruptedException {
      reached.await();
    }

    private void pass(String key) throws StoreException {
      reached.countDown();
      try {
        opened.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new StoreException(Kind.INTERRUPTED, key, "interrupted at the gate", e);
      }
    }
  }

  private static final class Planned {
    private final String start;
    private final Fault fault;
    private int left;

    Planned(String start, int left, Fault fault) {
      this.start = start;
      this.left = left;
      this.fault = fault;
    }
  }

  private record Gated(String start, Gate gate) {}

  private static final List<String> READS = List.of("HEAD ", "GET ", "LIST ", "UPLOADS ");

  private final ObjectStore store;

  @GuardedBy("this")
  private final List<Planned> planned = new ArrayList<>();

  @GuardedBy("this")
  private final List<Gated> gates = new ArrayList<>();

  @GuardedBy("this")
  private Random random = new Random(0);

  @GuardedBy("this")
  private double chance;

  @GuardedBy("this")
  private List<Fault> chances = List.of();

  @GuardedBy("this")
  private boolean readsFail = true;

  @GuardedBy("this")
  private int slowestMillis;

  private volatile boolean down;

  public FaultyStore(ObjectStore store) {
    this.store = store;
  }

  /** The next {@code times} calls whose line begins with {@code start} fail. */
  public synchronized void failNext(String start, int times, Fault fault) {
    planned.add(new Planned(start, times, fault));
  }

  /** From now on each call fails with this chance; print the seed. 0 ends it. */
  public synchronized void failAtRandom(long seed, double share, List<Fault> faults) {
    random = new Random(seed);
    chance = share;
    chances = List.copyOf(faults);
    readsFail = true;
  }

  /** From now on a call in two takes up to so long, both before and after it is done. */
  public synchronized void slowAtRandom(int upToMillis) {
    slowestMillis = upToMillis;
  }

  private void dawdle(String key) throws StoreException {
    int millis;
    synchronized (this) {
      millis = slowestMillis == 0 || random.nextBoolean() ? 0 : random.nextInt(slowestMillis) + 1;
    }
    if (millis > 0) {
      try {
        Thread.sleep(millis);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new StoreException(Kind.INTERRUPTED, key, "interrupted while a call takes long", e);
      }
    }
  }

  /** As {@link #failAtRandom}, but for calls that change nothing: they don't fail. */
  public synchronized void failChangesAtRandom(long seed, double share, List<Fault> faults) {
    failAtRandom(seed, share, faults);
    readsFail = false;
  }

  /** Calls whose line begins with {@code start} wait until the gate is opened. */
  public synchronized Gate gate(String start) {
    Gate gate = new Gate();
    gates.add(new Gated(start, gate));
    return gate;
  }

  /** While true every call is UNAVAILABLE. */
  public void setDown(boolean isDown) {
    down = isDown;
  }

  private synchronized @Nullable Fault take(String line) {
    for (Iterator<Planned> each = planned.iterator(); each.hasNext(); ) {
      Planned plan = each.next();
      if (line.startsWith(plan.start)) {
        if (--plan.left == 0) {
          each.remove();
        }
        return plan.fault;
      }
    }
    boolean mayFail = readsFail || READS.stream().noneMatch(line::startsWith);
    return mayFail && !chances.isEmpty() && random.nextDouble() < chance
        ? chances.get(random.nextInt(chances.size()))
        : null;
  }

  private synchronized List<Gate> gatesOf(String line) {
    return gates.stream().filter(each -> line.startsWith(each.start)).map(Gated::gate).toList();
  }

  @FunctionalInterface
  private interface Call<T> {
    T run() throws StoreException;
  }

  /** A read truncates in its target; for other calls a truncation is a lost answer. */
  private <T> T call(String line, String key, Call<T> call) throws StoreException {
    return call(line, key, take(line), call);
  }

  private <T> T call(String line, String key, @Nullable Fault fault, Call<T> call)
      throws StoreException {
    for (Gate gate : gatesOf(line)) {
      gate.pass(key);
    }
    if (down) {
      throw new StoreException(Kind.UNAVAILABLE, key, line + ": the store is down");
    }
    dawdle(key);
    return switch (fault) {
      case null -> {
        T answer = call.run();
        dawdle(key);
        yield answer;
      }
      case Fault.Fails(Kind kind) ->
          throw new StoreException(kind, key, line + ": fails as planned");
      case Fault.LosesAnswer _ -> {
        call.run();
        throw lost(line, key);
      }
      case Fault.Truncates _ -> {
        call.run();
        throw lost(line, key);
      }
    };
  }

  private static StoreException lost(String line, String key) {
    return new StoreException(Kind.UNAVAILABLE, key, line + ": the answer is lost as planned");
  }

  @Override
  public String id() {
    return store.id();
  }

  @Override
  public StoreLimits limits() {
    return store.limits();
  }

  @Override
  public void close() {
    store.close();
  }

  @Override
  public Optional<ObjectInfo> head(String key) throws StoreException {
    return call("HEAD " + key, key, () -> store.head(key));
  }

  @Override
  public ObjectInfo read(
      String key, @Nullable Version version, long offsetBytes, long lengthBytes, ReadTarget target)
      throws StoreException {
    String line = "GET " + key + " " + offsetBytes + "+" + lengthBytes;
    Fault fault = take(line);
    ReadTarget cut =
        fault instanceof Fault.Truncates(long afterBytes) ? new Cut(target, afterBytes) : target;
    return call(line, key, fault, () -> store.read(key, version, offsetBytes, lengthBytes, cut));
  }

  /** Passes on only the first bytes. */
  private static final class Cut implements ReadTarget {
    private final ReadTarget target;
    private long left;

    Cut(ReadTarget target, long left) {
      this.target = target;
      this.left = left;
    }

    @Override
    public void accept(ByteBuffer bytes) throws IOException {
      int count = (int) Math.min(left, bytes.remaining());
      left -= count;
      if (count > 0) {
        target.accept(bytes.slice(bytes.position(), count));
      }
      bytes.position(bytes.limit());
    }
  }

  @Override
  public ListPage list(ListRequest request) throws StoreException {
    return call(CallLog.line(request), request.prefix(), () -> store.list(request));
  }

  @Override
  public ObjectInfo put(
      String key, ByteSource body, ObjectAttributes attributes, WriteCondition condition)
      throws StoreException {
    String line = "PUT " + key + " " + body.sizeBytes() + CallLog.suffix(condition);
    return call(line, key, () -> store.put(key, body, attributes, condition));
  }

  @Override
  public Upload startUpload(String key, ObjectAttributes attributes) throws StoreException {
    Upload upload = call("UPLOAD " + key, key, () -> store.startUpload(key, attributes));
    return new FaultyUpload(key, upload);
  }

  @Override
  public Upload resumeUpload(String key, String uploadId) throws StoreException {
    return new FaultyUpload(key, store.resumeUpload(key, uploadId));
  }

  @Override
  public List<PendingUpload> pendingUploads(String prefix) throws StoreException {
    return call("UPLOADS " + prefix, prefix, () -> store.pendingUploads(prefix));
  }

  @Override
  public ObjectInfo copy(
      String sourceKey,
      @Nullable Version sourceVersion,
      String key,
      @Nullable ObjectAttributes attributes,
      WriteCondition condition)
      throws StoreException {
    return call(
        "COPY " + sourceKey + " -> " + key,
        key,
        () -> store.copy(sourceKey, sourceVersion, key, attributes, condition));
  }

  @Override
  public void delete(String key) throws StoreException {
    boolean _ =
        call(
            "DELETE " + key,
            key,
            () -> {
              store.delete(key);
              return true;
            });
  }

  private final class FaultyUpload implements Upload {
    private final String key;
    private final Upload upload;

    FaultyUpload(String key, Upload upload) {
      this.key = key;
      this.upload = upload;
    }

    @Override
    public String uploadId() {
      return upload.uploadId();
    }

    @Override
    public void part(int number, ByteSource body) throws StoreException {
      boolean _ =
          call(
              "PART " + key + " " + number + " " + body.sizeBytes(),
              key,
              () -> {
                upload.part(number, body);
                return true;
              });
    }

    @Override
    public void copyPart(
        int number, String sourceKey, Version sourceVersion, long offsetBytes, long lengthBytes)
        throws StoreException {
      String range = offsetBytes + "+" + lengthBytes;
      boolean _ =
          call(
              "COPYPART " + key + " " + number + " " + sourceKey + " " + range,
              key,
              () -> {
                upload.copyPart(number, sourceKey, sourceVersion, offsetBytes, lengthBytes);
                return true;
              });
    }

    @Override
    public ObjectInfo complete(WriteCondition condition) throws StoreException {
      return call(
          "COMPLETE " + key + CallLog.suffix(condition), key, () -> upload.complete(condition));
    }

    @Override
    public void abort() throws StoreException {
      boolean _ =
          call(
              "ABORT " + key,
              key,
              () -> {
                upload.abort();
                return true;
              });
    }
  }
}
