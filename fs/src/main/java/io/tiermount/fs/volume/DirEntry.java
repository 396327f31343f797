package io.tiermount.fs.volume;

/**
 * One entry of a directory.
 *
 * @param name as shown
 * @param segment of the key; equal to the name but for escapes
 */
public record DirEntry(String name, String segment, Facts facts) {}
