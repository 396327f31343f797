package io.tiermount.backends.s3;

import io.tiermount.backends.ReadTarget;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.StoreException.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;

/**
 * Calls from platform threads: the work runs on a virtual thread, because only there does an
 * interrupt close the socket that is waited on. The caller waits, and takes the bytes of a read on
 * its own thread.
 */
final class VirtualCall {
  /** What is done for the caller. */
  @FunctionalInterface
  interface Work<T> {
    T run() throws StoreException;
  }

  /** A read done for the caller. */
  @FunctionalInterface
  interface ReadWork<T> {
    T run(ReadTarget target) throws StoreException;
  }

  private sealed interface Step {}

  private record Bytes(ByteBuffer bytes, ArrayBlockingQueue<Outcome> answer) implements Step {}

  private record Outcome(@Nullable IOException failure) {}

  /** Result or failure; an error of the SDK that is no exception reaches the caller too. */
  private record Finished(@Nullable Object result, @Nullable Throwable failure) implements Step {}

  private VirtualCall() {}

  static <T> T run(String key, Work<T> work) throws StoreException {
    return read(key, bytes -> {}, _ -> work.run());
  }

  // The result is the work's own, carried through a queue of steps.
  @SuppressWarnings("unchecked")
  static <T> T read(String key, ReadTarget target, ReadWork<T> work) throws StoreException {
    LinkedBlockingQueue<Step> steps = new LinkedBlockingQueue<>();
    Thread worker = Thread.ofVirtual().name("s3-call").start(() -> work(work, steps));
    boolean interrupted = Thread.interrupted();
    if (interrupted) {
      worker.interrupt();
    }
    try {
      while (true) {
        try {
          switch (steps.take()) {
            case Bytes(ByteBuffer bytes, ArrayBlockingQueue<Outcome> answer) ->
                answer.add(deliver(target, bytes));
            case Finished(var result, var failure) -> {
              if (failure == null) {
                return (T) result;
              }
              throw rethrow(key, failure);
            }
          }
        } catch (InterruptedException e) {
          interrupted = true;
          worker.interrupt(); // and wait for its end, which is prompt
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static Outcome deliver(ReadTarget target, ByteBuffer bytes) {
    try {
      target.accept(bytes);
      return new Outcome(null);
    } catch (IOException e) {
      return new Outcome(e);
    } catch (RuntimeException e) {
      return new Outcome(new IOException("the reader failed", e));
    }
  }

  // Whatever ends the worker ends the caller.
  @SuppressWarnings("CatchingUnchecked")
  private static <T> void work(ReadWork<T> work, LinkedBlockingQueue<Step> steps) {
    Finished finished;
    try {
      finished = new Finished(work.run(bytes -> hand(bytes, steps)), null);
    } catch (Throwable e) {
      finished = new Finished(null, e);
    }
    steps.add(finished);
  }

  private static void hand(ByteBuffer bytes, LinkedBlockingQueue<Step> steps) throws IOException {
    ArrayBlockingQueue<Outcome> answer = new ArrayBlockingQueue<>(1);
    steps.add(new Bytes(bytes, answer));
    boolean interrupted = false;
    while (true) {
      try {
        IOException failure = answer.take().failure();
        if (interrupted) {
          Thread.currentThread().interrupt();
        }
        if (failure != null) {
          throw failure;
        }
        return;
      } catch (InterruptedException e) {
        interrupted = true; // the caller still holds the buffer
      }
    }
  }

  private static StoreException rethrow(String key, Throwable failure) {
    return switch (failure) {
      case StoreException e -> e;
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      default -> new StoreException(Kind.UNAVAILABLE, key, "the call failed: " + failure, failure);
    };
  }
}
