package io.tiermount.backends.local;

import io.tiermount.backends.ByteSource;
import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.StoreException.Kind;
import io.tiermount.backends.WriteCondition;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.InstantSource;

/** The other process of {@link TwoProcessesTest}: writes keys, prints those it won. */
final class ConditionalWriter {
  static final int KEYS = 300;

  private ConditionalWriter() {}

  /**
   * Starts at the first byte of its input.
   *
   * @param arguments the directory, and a name to write
   */
  // Its output is what the test reads.
  @SuppressWarnings("SystemOut")
  public static void main(String[] arguments) throws Exception {
    byte[] name = arguments[1].getBytes(StandardCharsets.UTF_8);
    try (LocalObjectStore store =
        LocalObjectStore.open(Path.of(arguments[0]), false, InstantSource.system())) {
      System.out.println("ready");
      if (System.in.read() < 0) {
        return;
      }
      boolean backwards = arguments[1].equals("two"); // so that both get some, and meet
      for (int i = 0; i < KEYS; i++) {
        String key = "race/" + (backwards ? KEYS - 1 - i : i);
        try {
          store.put(key, ByteSource.of(name), ObjectAttributes.NONE, WriteCondition.IF_ABSENT);
          System.out.println(key);
        } catch (StoreException e) {
          if (e.kind() != Kind.PRECONDITION_FAILED) {
            throw e;
          }
        }
      }
    }
  }
}
