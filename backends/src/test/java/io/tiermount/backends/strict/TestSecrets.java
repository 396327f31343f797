package io.tiermount.backends.strict;

/**
 * Secrets of tests. All hold one mark, for which {@code scripts/test} searches all that the suite
 * wrote (SEMANTICS K6): no test may print it, or be named after it.
 */
public final class TestSecrets {
  /** In every secret of a test. Known to {@code scripts/check-secrets}, too. */
  public static final String MARK = "TmS3cr3tM4rk";

  private TestSecrets() {}

  /** A secret key or token of its own for each name; characters that need escapes are in it. */
  public static String of(String name) {
    return name + "/" + MARK + "+" + name.length();
  }
}
