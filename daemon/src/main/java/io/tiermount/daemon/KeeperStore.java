package io.tiermount.daemon;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.backends.os.ChildProcess;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.FdSocket;
import io.tiermount.backends.os.FdSocket.Message;
import io.tiermount.backends.os.LibC;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The keeper: a shell that holds both ends of a socket, and in the socket a message that holds the
 * descriptors (SCM_RIGHTS). It understands nothing of them. When the daemon ends otherwise than by
 * its own will, it starts it again, which finds the socket's ends as descriptors 3 and 4.
 *
 * <p>There is one message, with all descriptors: a change sends the new one and takes the old one
 * out after that, so that a kill in between leaves two of them, never none.
 */
final class KeeperStore implements DescriptorStore {
  private static final Logger log = LoggerFactory.getLogger(KeeperStore.class);

  /** In the environment of a daemon that a keeper started. */
  static final String KEPT = "TIERMOUNT_KEPT";

  private static final int SEND_END = 3;
  private static final int HOLD_END = 4;
  private static final int F_DUPFD_CLOEXEC = 1030;

  /**
   * 5 is one end of a socket whose other end the daemon has: a line is its word that it ends, the
   * end of the file its death. 6 is the cache directory's lock. $1 is a file that a daemon makes
   * when it is up, the rest its command line. A daemon that can't start, again and again, is given
   * up: who waits at its mounts then gets an error instead of waiting for ever.
   */
  private static final String SCRIPT =
      """
      ready=$1
      shift
      read -r word <&5 && exit 0
      exec 5<&-
      tries=0
      while :; do
        rm -f "$ready"
        "$@"
        code=$?
        [ "$code" -eq 0 ] && exit 0
        [ -e "$ready" ] && tries=0
        tries=$((tries + 1))
        if [ "$tries" -gt 5 ]; then
          echo "tiermount: the daemon could not be started again: its mounts are given up" >&2
          exit 1
        fi
        [ "$tries" -gt 1 ] && sleep 1
      done
      """;

  private final FdSocket send;
  private final FdSocket hold;

  /** The keeper watches it; null where the keeper is this process's parent. */
  private final @Nullable FdSocket word;

  private final Path readyFile;

  @GuardedBy("this")
  private final Map<String, Integer> kept = new TreeMap<>();

  @GuardedBy("this")
  private long generation;

  /** A message lies in the socket. */
  @GuardedBy("this")
  private boolean holds;

  private KeeperStore(FdSocket send, FdSocket hold, @Nullable FdSocket word, Path readyFile) {
    this.send = send;
    this.hold = hold;
    this.word = word;
    this.readyFile = readyFile;
  }

  /**
   * Starts a keeper for this process.
   *
   * @param lock the keeper's share of the cache directory's lock
   * @param readyFile see the script
   */
  static KeeperStore start(
      int lock, Path readyFile, List<String> command, Map<String, String> environment)
      throws IOException {
    List<FdSocket> store = FdSocket.pair();
    List<FdSocket> words = FdSocket.pair();
    FdSocket send = store.get(0);
    FdSocket hold = store.get(1);
    List<String> keeper = new ArrayList<>();
    keeper.addAll(List.of("/bin/sh", "-c", SCRIPT, "tiermount-keeper", readyFile.toString()));
    keeper.addAll(command);
    Map<String, String> theirs = new TreeMap<>(environment);
    theirs.put(KEPT, "1");
    int pid =
        ChildProcess.start(keeper, theirs, List.of(send.fd(), hold.fd(), words.get(1).fd(), lock));
    words.get(1).close();
    log.info("the keeper is process {}", pid);
    return new KeeperStore(send, hold, words.get(0), readyFile);
  }

  /** What the keeper that started this process has. */
  static KeeperStore inherit(Path readyFile) throws IOException {
    for (int fd = SEND_END; fd <= HOLD_END + 2; fd++) {
      if (fd != HOLD_END + 1) {
        int _ = LibC.fcntl(fd, LibC.F_SETFD, LibC.FD_CLOEXEC);
      }
    }
    KeeperStore store =
        new KeeperStore(new FdSocket(SEND_END), new FdSocket(HOLD_END), null, readyFile);
    store.look();
    return store;
  }

  /** Takes note of the newest message, which stays where it is. */
  private synchronized void look() throws IOException {
    Message message = hold.peek();
    if (message != null && hold.waitingBytes() > message.body().length) {
      closeAll(message.fds());
      Message old = hold.receive();
      closeAll(old == null ? List.of() : old.fds());
      message = hold.peek();
    }
    if (message == null) {
      return;
    }
    String[] lines = new String(message.body(), StandardCharsets.UTF_8).split("\n", -1);
    generation = Long.parseLong(lines[0]);
    holds = true;
    for (int i = 0; i < message.fds().size(); i++) {
      kept.put(lines[1 + i], message.fds().get(i));
    }
  }

  private static void closeAll(List<Integer> fds) throws ErrnoException {
    for (int fd : fds) {
      LibC.close(fd);
    }
  }

  @Override
  public boolean survives() {
    return true;
  }

  @Override
  public boolean follows() {
    return word == null;
  }

  @Override
  public synchronized Map<String, Integer> kept() {
    return Map.copyOf(kept);
  }

  @Override
  public synchronized void put(String name, int fd) throws IOException {
    if (kept.size() >= FdSocket.MAX_FDS) {
      throw new IOException(
          "the keeper holds " + FdSocket.MAX_FDS + " descriptors, which is its limit");
    }
    kept.put(name, LibC.fcntl(fd, F_DUPFD_CLOEXEC, 0));
    publish();
  }

  @Override
  public synchronized void remove(String name) throws IOException {
    Integer fd = kept.remove(name);
    if (fd != null) {
      publish();
      LibC.close(fd);
    }
  }

  @GuardedBy("this")
  private void publish() throws IOException {
    generation++;
    StringBuilder body = new StringBuilder(Long.toString(generation));
    kept.keySet().forEach(name -> body.append('\n').append(name));
    send.send(body.toString().getBytes(StandardCharsets.UTF_8), List.copyOf(kept.values()));
    if (holds) {
      Message old = hold.receive();
      closeAll(old == null ? List.of() : old.fds());
    }
    holds = true;
  }

  @Override
  public void ready() throws IOException {
    Files.writeString(readyFile, "");
  }

  @Override
  public void end() {
    if (word != null) {
      try {
        word.send(new byte[] {'\n'}, List.of());
      } catch (ErrnoException e) {
        log.debug("the keeper is gone already", e);
      }
    }
  }
}
