package io.tiermount.daemon.admin;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/**
 * Where daemons are found: per cache directory a socket {@code <hash>.sock} and beside it {@code
 * <hash>.json} that says who listens. The hash is over the cache directory's real path, so that a
 * command finds the daemon that owns it without asking anybody.
 *
 * @param path 0700 and ours
 */
public record RunDirectory(Path path) {
  /** {@code sun_path} with its NUL (sys/un.h). */
  private static final int MAX_SOCKET_PATH_BYTES = 107;

  /**
   * A daemon that answers, or did.
   *
   * @param cacheDirectory the one it owns
   */
  public record Entry(long pid, String cacheDirectory, String version) {}

  /**
   * {@code TIERMOUNT_RUN_DIR}; else {@code /run/tiermount} for root, {@code
   * $XDG_RUNTIME_DIR/tiermount} or {@code /tmp/tiermount-<uid>} for others.
   */
  public static RunDirectory of(Map<String, String> environment, int uid) {
    String set = environment.getOrDefault("TIERMOUNT_RUN_DIR", "");
    if (!set.isEmpty()) {
      return new RunDirectory(Path.of(set).toAbsolutePath().normalize());
    }
    if (uid == 0) {
      return new RunDirectory(Path.of("/run/tiermount"));
    }
    String xdg = environment.getOrDefault("XDG_RUNTIME_DIR", "");
    return new RunDirectory(
        xdg.isEmpty() ? Path.of("/tmp/tiermount-" + uid) : Path.of(xdg, "tiermount"));
  }

  /**
   * Makes the directory, 0700.
   *
   * @throws IOException also where somebody else's directory or a link is in its place
   */
  public void create() throws IOException {
    Path parent = path.getParent();
    if (parent != null) {
      Files.createDirectories(parent);
    }
    try {
      Files.createDirectory(
          path, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    } catch (FileAlreadyExistsException e) {
      // In /tmp somebody else may have been first: only our own directory is trusted.
      if (!Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
        throw new IOException(
            path + " is not a directory: remove it, or set TIERMOUNT_RUN_DIR to another place", e);
      }
      Path mine = Files.createTempFile(path, ".owner", null);
      try {
        if (!Files.getOwner(mine).equals(Files.getOwner(path, LinkOption.NOFOLLOW_LINKS))) {
          throw new IOException(
              path + " belongs to another user: set TIERMOUNT_RUN_DIR to a directory of yours", e);
        }
      } finally {
        Files.delete(mine);
      }
      Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwx------"));
    }
  }

  /**
   * The socket of the daemon that owns a cache directory.
   *
   * @throws IOException where the path is longer than the kernel takes
   */
  public Path socket(Path cacheDirectory) throws IOException {
    Path socket = path.resolve(hash(cacheDirectory) + ".sock");
    if (socket.toString().getBytes(StandardCharsets.UTF_8).length > MAX_SOCKET_PATH_BYTES) {
      throw new IOException(
          "the socket's path is longer than "
              + MAX_SOCKET_PATH_BYTES
              + " bytes: "
              + socket
              + ": set TIERMOUNT_RUN_DIR to a shorter one");
    }
    return socket;
  }

  /** Says who listens. Written whole or not at all. */
  public void announce(Path cacheDirectory, Entry entry, Json json) throws IOException {
    Path file = infoFile(socket(cacheDirectory));
    Path fresh = file.resolveSibling(file.getFileName() + ".new");
    Files.writeString(fresh, json.line(entry) + "\n");
    Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /** Takes the announcement and the socket away. */
  public void withdraw(Path cacheDirectory) throws IOException {
    Path socket = socket(cacheDirectory);
    Files.deleteIfExists(infoFile(socket));
    Files.deleteIfExists(socket);
  }

  /** The sockets of all daemons that listen. What dead ones left is removed on the way. */
  public List<Path> sockets() throws IOException {
    List<Path> alive = new ArrayList<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(path, "*.json")) {
      for (Path file : files) {
        String name = String.valueOf(file.getFileName());
        Path socket = path.resolve(name.substring(0, name.length() - 5) + ".sock");
        if (answers(socket)) {
          alive.add(socket);
        } else {
          // The announcement is written after the socket listens: refused means dead, not early.
          Files.deleteIfExists(file);
          Files.deleteIfExists(socket);
        }
      }
    } catch (NoSuchFileException e) {
      return List.of();
    }
    alive.sort(Comparator.naturalOrder());
    return alive;
  }

  /** Who announced a socket. */
  public Entry entry(Path socket, Json json) throws IOException {
    try {
      return json.parse(Files.readString(infoFile(socket)), Entry.class);
    } catch (JsonProcessingException e) {
      throw new IOException("unreadable: " + infoFile(socket) + ": remove it", e);
    }
  }

  /** True where somebody listens. */
  public static boolean answers(Path socket) throws IOException {
    try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
      return channel.isConnected();
    } catch (ConnectException e) {
      return false;
    } catch (SocketException e) {
      // ENOENT comes as a plain SocketException; a socket that exists and can't be reached for
      // another reason is not ours to remove.
      return Files.exists(socket);
    }
  }

  private static Path infoFile(Path socket) {
    String name = String.valueOf(socket.getFileName());
    return socket.resolveSibling(name.substring(0, name.length() - 5) + ".json");
  }

  private static String hash(Path cacheDirectory) throws IOException {
    Path real =
        Files.exists(cacheDirectory)
            ? cacheDirectory.toRealPath()
            : cacheDirectory.toAbsolutePath().normalize();
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256")
              .digest(real.toString().getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest, 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
