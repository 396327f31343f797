package io.tiermount.fs.fuse;

import java.io.IOException;
import java.util.Map;

/** Carries requests between the kernel and a {@link FuseHandler}. */
public interface FuseTransport extends AutoCloseable {
  /** "dev" or "libfuse", as status shows it. */
  String name();

  /**
   * Mounts and serves. When it returns, the mount answers.
   *
   * @throws IOException with what failed, on which path, and what to do
   */
  KernelCache start(MountOptions options, FuseHandler handler) throws IOException;

  /**
   * Unmounts (lazily where it is busy) and ends all threads; always returns, within seconds.
   * Requests under way are answered or aborted. Idempotent.
   */
  @Override
  void close();

  /** Requests seen by opcode name (LOOKUP, READ, …): what the tests and status count by. */
  Map<String, Long> requestCounts();
}
