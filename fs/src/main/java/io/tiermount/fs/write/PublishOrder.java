package io.tiermount.fs.write;

import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.WriteCondition;
import org.jspecify.annotations.Nullable;

/**
 * What is to become of a content.
 *
 * @param base the object whose unchanged ranges may be copied in the store; null sends all
 */
public record PublishOrder(
    String key, ObjectAttributes attributes, WriteCondition condition, @Nullable Base base) {}
