package io.tiermount.backends.strict;

import java.time.Duration;

/** What the strict server does to a request instead of answering it as asked. */
public sealed interface Fault {
  /** Answers an error and does nothing. */
  record Status(int status, String code) implements Fault {}

  /** Breaks the connection (RST) before anything is done. */
  record Reset() implements Fault {}

  /** Does what was asked, then breaks the connection: the answer is lost. */
  record LoseAnswer() implements Fault {}

  /** Does what was asked, and never answers (until the server is closed or gates open). */
  record Stall() implements Fault {}

  /** Sends the head and this many bytes of the body, then no more. */
  record StallBody(int afterBytes) implements Fault {}

  /** Sends the head and this many bytes of the body, then breaks the connection. */
  record Truncate(int afterBytes) implements Fault {}

  /** Flips a bit of the body. */
  record Corrupt() implements Fault {}

  /** Sends the body in {@code pieces} with a pause before each: slow, but moving. */
  record Drip(int pieces, Duration pause) implements Fault {}
}
