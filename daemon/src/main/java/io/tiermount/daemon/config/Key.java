package io.tiermount.daemon.config;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One known key: everything that a reader, a message, the example and the manual say about it.
 *
 * @param path its elements joined by dots; {@code *} stands for a name chosen by the operator,
 *     {@code []} for an element of a list
 * @param defaultText what holds where it is absent, as written; in words where that depends
 * @param fixedDefault {@code defaultText} is a value of the type
 * @param meaning one line for an operator
 * @param secret never shown
 */
record Key<T>(
    String path,
    ValueType<T> type,
    String defaultText,
    boolean fixedDefault,
    String meaning,
    Effect effect,
    boolean secret) {
  /** From when on a key does something. */
  enum Effect {
    NOW(""),
    WITH_EVICTION("takes effect from the release with quotas and pins in the cache"),
    WITH_SCOPES("takes effect from the release with access policies"),
    WITH_STORES("takes effect from the release with its store"),
    LATER("takes effect from a later release");

    private final String text;

    Effect(String text) {
      this.text = text;
    }

    /** "" where it is effective. */
    String text() {
      return text;
    }
  }

  /** A key that has the same default everywhere. */
  static <T> Key<T> of(String path, ValueType<T> type, String defaultText, String meaning) {
    return new Key<>(path, type, defaultText, true, meaning, Effect.NOW, false);
  }

  /** A key without a default, or whose default depends on others: said in words. */
  static <T> Key<T> open(String path, ValueType<T> type, String defaultInWords, String meaning) {
    return new Key<>(path, type, defaultInWords, false, meaning, Effect.NOW, false);
  }

  Key<T> hidden() {
    return new Key<>(path, type, defaultText, fixedDefault, meaning, effect, true);
  }

  Key<T> from(Effect later) {
    return new Key<>(path, type, defaultText, fixedDefault, meaning, later, secret);
  }

  List<String> elements() {
    return List.of(path.split("\\.", -1));
  }

  /** The value of {@link #defaultText}. */
  T defaultValue() {
    Problems problems = new Problems();
    @Nullable T value =
        type.read(new Node.Scalar(defaultText, new Position("default", 0)), path, false, problems);
    if (!fixedDefault || value == null) {
      throw new IllegalStateException(path + " has no fixed default");
    }
    return value;
  }
}
