package io.tiermount.fs.write;

/**
 * A part of an upload to make.
 *
 * @param copied from the same range of the base, in the store
 */
record PlannedPart(int number, long offsetBytes, long lengthBytes, boolean copied) {}
