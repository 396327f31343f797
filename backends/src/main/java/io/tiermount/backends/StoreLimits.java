package io.tiermount.backends;

/**
 * What a store can do, so that callers plan instead of probing.
 *
 * @param maxPutBytes largest single put
 * @param minPartBytes smallest part but the last
 * @param maxPartBytes largest part
 * @param maxParts parts of one upload
 * @param maxObjectBytes largest object
 * @param maxKeyBytes longest key in UTF-8
 * @param maxMetadataBytes names and values of the user metadata of one object
 * @param listsMetadata listings carry content type and user metadata
 * @param conditionalWrites {@code IfAbsent} and {@code IfVersion} are honoured atomically
 * @param multipart {@link ObjectStore#startUpload} works
 */
public record StoreLimits(
    long maxPutBytes,
    long minPartBytes,
    long maxPartBytes,
    int maxParts,
    long maxObjectBytes,
    int maxKeyBytes,
    int maxMetadataBytes,
    boolean listsMetadata,
    boolean conditionalWrites,
    boolean multipart) {}
