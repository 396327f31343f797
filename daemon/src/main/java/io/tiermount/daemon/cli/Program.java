package io.tiermount.daemon.cli;

import io.tiermount.backends.ObjectStore;
import io.tiermount.daemon.config.Explanation;
import io.tiermount.daemon.config.MountConfig;
import io.tiermount.daemon.config.TiermountConfig;
import io.tiermount.daemon.jobs.MountedPath;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the commands need from the rest of the program; {@code Wiring} is it. */
public interface Program {
  /** This build. */
  String version();

  /**
   * A configuration file, with its environment.
   *
   * @throws CommandException {@code BAD_CONFIG} with every error
   */
  TiermountConfig configuration(Path file) throws CommandException;

  /**
   * Which settings of a configuration file apply to URLs, and why.
   *
   * @throws CommandException {@code BAD_CONFIG} with every error
   */
  List<Explanation> explain(Path file, List<String> urls) throws CommandException;

  /**
   * The configuration directories' own, as a daemon without {@code --config} reads it.
   *
   * @throws CommandException {@code BAD_CONFIG} with every error
   */
  TiermountConfig configuration() throws CommandException;

  /**
   * One mount without a file.
   *
   * @param options {@code KEY=VALUE} each
   * @throws CommandException {@code BAD_CONFIG} with every error
   */
  TiermountConfig configuration(String source, Path directory, List<String> options)
      throws CommandException;

  /**
   * Runs a daemon as {@link #runDaemon}, whose configuration can be read again.
   *
   * @param file null for the configuration directories
   */
  ExitCode runConfigured(@Nullable Path file) throws CommandException;

  /**
   * Runs a daemon in this process until it is told to stop; unmounts at the end.
   *
   * @param exitWhenUnused ends with the last mount
   */
  ExitCode runDaemon(TiermountConfig config, boolean exitWhenUnused) throws CommandException;

  /**
   * Tells systemd, where it waits for this command, that what it started it for is there.
   *
   * @param status one line for {@code systemctl status}
   */
  void announceReady(String status);

  /**
   * Clears a mount whose daemon is dead.
   *
   * @return false where there is none on this path
   */
  boolean clearDeadMount(Path path) throws IOException;

  /** The kernel's table of mounts, in its order. */
  List<MountedPath> mounted() throws IOException;

  /**
   * Asks a mount's store for one key, to see that it is there and lets us in.
   *
   * @return what answered, in a few words
   * @throws IOException with what failed and what to do
   */
  String probe(MountConfig mount) throws IOException;

  /**
   * The whole bucket behind a mount's source; the caller closes it. Contacts nobody.
   *
   * @throws IOException where this build has no such store, with what to do
   */
  ObjectStore bucket(MountConfig mount) throws IOException;

  /** Now. */
  Instant now();
}
