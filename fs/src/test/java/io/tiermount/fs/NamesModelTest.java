package io.tiermount.fs;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.FaultyStore.Fault;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.fs.MountFixture.Options;
import io.tiermount.fs.NamesModel.Inode;
import io.tiermount.fs.write.WriteOptions.Durability;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.CopyOption;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Random creates, writes, renames, removals and changes of mode by writers that keep files open
 * over each other's steps, on a mount whose store is slow and loses answers: W1, W2, W3, W4, W6, W7
 * and W12. After each step the mount shows what the model says; in the end the bucket holds it.
 */
class NamesModelTest {
  /** Of the suite: always the same ones; {@link #many_seeds} takes new ones. */
  private static final int SEEDS = 3;

  private static final int STEPS = 120;
  private static final String[] NAMES = {"a", "b", "c", "t"};
  private static final String[] DIRECTORIES = {"", "", "d/", "e/", "d/e/"};

  @TempDir Path dir;

  @ParameterizedTest
  @EnumSource
  void the_mount_and_then_the_bucket_are_what_the_model_says(Durability durability)
      throws Exception {
    long first = Long.getLong("names.seed", 1);
    int seeds = Integer.getInteger("names.seeds", SEEDS);
    run(durability, first, seeds);
  }

  @Tag("soak")
  @ParameterizedTest
  @EnumSource
  void many_seeds(Durability durability) throws Exception {
    run(durability, Long.getLong("names.seed", System.nanoTime() & 0xFFFFFF), 60);
  }

  private void run(Durability durability, long first, int seeds) throws Exception {
    for (long seed = first; seed < first + seeds; seed++) {
      Path house = Files.createDirectories(dir.resolve("seed" + seed));
      List<String> steps = new ArrayList<>();
      try (Run run = new Run(house, durability, seed, steps)) {
        try {
          run.all();
        } finally {
          steps.add(run.state());
        }
      } catch (AssertionError | Exception e) {
        throw new AssertionError(
            "-Dnames.seed=" + seed + " " + durability + ":\n" + String.join("\n", steps), e);
      }
    }
  }

  /** A descriptor somebody keeps open. */
  private record Held(FileChannel channel, Inode inode) {}

  private static final class Run implements AutoCloseable {
    private final Path house;
    private final Durability durability;
    private final Random random;
    private final Bucket bucket;
    private final NamesModel model = new NamesModel();
    private final List<Held> open = new ArrayList<>();
    private final List<String> steps;
    private final boolean faults;
    private MountFixture mount;
    private int step;

    Run(Path house, Durability durability, long seed, List<String> steps) throws IOException {
      this.house = house;
      this.durability = durability;
      this.random = new Random(seed);
      this.bucket = new Bucket(random.nextBoolean());
      this.steps = steps;
      this.faults = durability == Durability.LOCAL && random.nextBoolean();
      for (String path : List.of("a", "b", "d/a", "d/c")) {
        create(path, ("object " + path).getBytes(StandardCharsets.ISO_8859_1));
      }
      mount = new MountFixture(house, bucket.faulty(), Options.writable(durability));
      if (faults) {
        bucket
            .faulty()
            .failChangesAtRandom(
                seed, 0.05, List.of(new Fault.LosesAnswer(), new Fault.LosesAnswer()));
      }
      bucket.faulty().slowAtRandom(durability == Durability.LOCAL ? 40 : 8);
    }

    /** Somebody else's object, there before the mount. */
    private void create(String path, byte[] bytes) throws IOException {
      if (path.contains("/") && !model.has(NamesModel.parent(path))) {
        String _ = model.mkdir(NamesModel.parent(path));
      }
      String _ = model.open(path, false, true);
      inode(path).write(0, bytes);
      bucket.put(path, bytes);
    }

    private Inode inode(String path) {
      Inode inode = model.file(path);
      if (inode == null) {
        throw new AssertionError(path + " is no file of the model");
      }
      return inode;
    }

    void all() throws Exception {
      for (step = 0; step < STEPS; step++) {
        one();
        if (random.nextInt(8) == 0) {
          checkTree();
        }
        if (random.nextInt(60) == 0) {
          restart();
        }
      }
      closeAll();
      checkTree();
      settle();
      checkTree();
      checkBucket();
      restart();
      checkTree();
      settle();
      checkBucket();
    }

    /** For the message of a failure. */
    String state() throws IOException {
      return "the bucket has "
          + bucket.objects().stream().map(ObjectInfo::key).toList()
          + ", pending are "
          + mount.volume().pendingChanges();
    }

    private String path() {
      return DIRECTORIES[random.nextInt(DIRECTORIES.length)] + NAMES[random.nextInt(NAMES.length)];
    }

    private String directory() {
      return new String[] {"d", "e", "d/e", "a"}[random.nextInt(4)];
    }

    private Path at(String path) {
      return mount.mount().resolve(path);
    }

    private interface Op {
      void run() throws IOException;
    }

    /** What a step failed with; "" for nothing. */
    private static String errno(Op op) {
      try {
        op.run();
        return "";
      } catch (NoSuchFileException e) {
        return "ENOENT";
      } catch (FileAlreadyExistsException e) {
        return "EEXIST";
      } catch (DirectoryNotEmptyException e) {
        return "ENOTEMPTY";
      } catch (NotDirectoryException e) {
        return "ENOTDIR";
      } catch (IOException e) {
        String why = e instanceof FileSystemException f ? f.getReason() : e.getMessage();
        return switch (String.valueOf(why)) {
          case "Is a directory" -> "EISDIR";
          case "Not a directory" -> "ENOTDIR";
          case "Directory not empty" -> "ENOTEMPTY";
          case "Invalid argument" -> "EINVAL";
          case "File exists" -> "EEXIST";
          default -> String.valueOf(why);
        };
      }
    }

    private void check(String what, String expected, Op op) {
      steps.add(step + ": " + what + (expected.isEmpty() ? "" : " = " + expected));
      if (Boolean.getBoolean("names.trace")) {
        System.err.println(steps.getLast());
      }
      assertThat(errno(op)).as(what).isEqualTo(expected);
    }

    private byte[] bytes() {
      String one = "<" + step + ">";
      // Some are large enough for passthrough.
      return (random.nextInt(12) == 0 ? one.repeat(100_000) : one)
          .getBytes(StandardCharsets.ISO_8859_1);
    }

    private void one() throws IOException {
      switch (random.nextInt(20)) {
        case 0, 1, 2 -> openFor(path(), false, random.nextBoolean());
        case 3 -> openFor(path(), true, false);
        case 4, 5, 6 -> write();
        case 7, 8 -> closeOne();
        case 9, 10, 11, 12 -> rename(path(), path());
        case 13 -> rename(directory(), directory());
        case 14 -> {
          String path = path();
          check("unlink " + path, model.unlink(path), () -> unlink(path));
        }
        case 15 -> {
          String path = directory();
          check("mkdir " + path, model.mkdir(path), () -> Files.createDirectory(at(path)));
        }
        case 16 -> {
          String path = directory();
          check("rmdir " + path, model.rmdir(path), () -> rmdir(path));
        }
        case 17 -> chmod(path());
        case 18 -> saveByRename(path());
        default -> read(path());
      }
    }

    private void unlink(String path) throws IOException {
      if (Files.isDirectory(at(path))) {
        throw new FileSystemException(path, null, "Is a directory");
      }
      Files.delete(at(path));
    }

    private void rmdir(String path) throws IOException {
      if (Files.isRegularFile(at(path))) {
        throw new FileSystemException(path, null, "Not a directory");
      }
      Files.delete(at(path));
    }

    private void openFor(String path, boolean exclusive, boolean truncate) {
      if (open.size() >= 3) {
        return;
      }
      Set<OpenOption> options = new HashSet<>(Set.of(StandardOpenOption.READ));
      options.add(StandardOpenOption.WRITE);
      options.add(exclusive ? StandardOpenOption.CREATE_NEW : StandardOpenOption.CREATE);
      if (truncate) {
        options.add(StandardOpenOption.TRUNCATE_EXISTING);
      }
      check(
          "open " + path + (exclusive ? " O_EXCL" : "") + (truncate ? " O_TRUNC" : ""),
          model.open(path, exclusive, truncate),
          () -> open.add(new Held(FileChannel.open(at(path), options), inode(path))));
    }

    private void write() {
      if (open.isEmpty()) {
        return;
      }
      Held held = open.get(random.nextInt(open.size()));
      int at = random.nextBoolean() ? held.inode.content.length : 0;
      byte[] bytes = bytes();
      held.inode.write(at, bytes);
      check(
          "write " + at + "+" + bytes.length + " to " + nameOf(held.inode),
          "",
          () -> held.channel.write(ByteBuffer.wrap(bytes), at));
      if (random.nextInt(3) == 0) {
        check("fsync", "", () -> held.channel.force(true));
      }
    }

    private String nameOf(Inode inode) {
      return model.paths().stream()
          .filter(path -> model.file(path) == inode)
          .findFirst()
          .orElse("an unlinked file");
    }

    private void closeOne() {
      if (!open.isEmpty()) {
        Held held = open.remove(random.nextInt(open.size()));
        check("close " + nameOf(held.inode), "", held.channel::close);
      }
    }

    private void closeAll() {
      while (!open.isEmpty()) {
        closeOne();
      }
    }

    private void rename(String from, String to) {
      check(
          "rename " + from + " " + to,
          model.rename(from, to),
          () ->
              Files.move(
                  at(from),
                  at(to),
                  new CopyOption[] {
                    StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING
                  }));
    }

    private void chmod(String path) {
      int mode = random.nextBoolean() ? 0600 : 0640;
      Inode inode = model.file(path);
      String expected = model.exists(path);
      if (model.isDirectory(path)) {
        return;
      }
      if (inode != null) {
        inode.mode = mode;
      }
      check(
          "chmod " + path,
          expected,
          () ->
              Files.setPosixFilePermissions(
                  at(path),
                  PosixFilePermissions.fromString(mode == 0600 ? "rw-------" : "rw-r-----")));
    }

    /** As editors and checkpoints do. */
    private void saveByRename(String path) {
      String temporary = DIRECTORIES[random.nextInt(DIRECTORIES.length)] + "t";
      byte[] bytes = bytes();
      String opened = model.open(temporary, false, true);
      if (opened.isEmpty()) {
        inode(temporary).write(0, bytes);
      }
      check("write " + temporary, opened, () -> Files.write(at(temporary), bytes));
      if (opened.isEmpty()) {
        if (random.nextBoolean()) {
          chmod(temporary);
        }
        rename(temporary, path);
      }
    }

    private void read(String path) {
      Inode inode = model.file(path);
      if (inode == null) {
        steps.add(step + ": missing " + path);
        assertThat(Files.isRegularFile(at(path))).as(path).isFalse();
        return;
      }
      check("read " + path, "", () -> assertThat(text(path)).isEqualTo(inode.text()));
    }

    private String text(String path) throws IOException {
      return new String(Files.readAllBytes(at(path)), StandardCharsets.ISO_8859_1);
    }

    /** The tree, its contents and modes, and those that only descriptors still have. */
    private void checkTree() throws IOException {
      try (Stream<Path> all = Files.walk(mount.mount())) {
        assertThat(
                all.filter(path -> !path.equals(mount.mount()))
                    .map(path -> mount.mount().relativize(path).toString())
                    .toList())
            .containsExactlyInAnyOrderElementsOf(model.paths());
      }
      for (String path : model.paths()) {
        Inode inode = model.file(path);
        if (inode != null) {
          assertThat(text(path)).as(path).isEqualTo(inode.text());
          Object mode = Files.getAttribute(at(path), "unix:mode");
          assertThat((int) mode & 0777).as(path).isEqualTo(inode.mode);
        }
      }
      for (Held held : open) {
        ByteBuffer bytes = ByteBuffer.allocate(held.inode.content.length + 1);
        while (held.channel.read(bytes, bytes.position()) > 0) {}
        assertThat(new String(bytes.array(), 0, bytes.position(), StandardCharsets.ISO_8859_1))
            .as(nameOf(held.inode))
            .isEqualTo(held.inode.text());
      }
    }

    private void settle() throws Exception {
      MountFixture.await(() -> mount.volume().pendingChanges() == 0);
    }

    private void checkBucket() throws IOException {
      bucket.faulty().failAtRandom(0, 0, List.of());
      Map<String, @Nullable ObjectInfo> objects = new TreeMap<>();
      for (ObjectInfo object : bucket.objects()) {
        objects.put(object.key(), object);
      }
      for (String path : model.paths()) {
        Inode inode = model.file(path);
        if (inode == null) {
          continue;
        }
        assertThat(objects.keySet()).contains(path);
        assertThat(new String(bucket.content(path), StandardCharsets.ISO_8859_1))
            .as(path)
            .isEqualTo(inode.text());
        if (bucket.metadata(path).containsKey("mode")) {
          assertThat(Integer.parseInt(bucket.metadata(path).get("mode")) & 0777)
              .as(path)
              .isEqualTo(inode.mode);
        }
        objects.remove(path);
      }
      objects.keySet().removeIf(key -> key.endsWith("/") && model.isDirectory(cut(key)));
      assertThat(objects.keySet()).as("left behind").isEmpty();
      assertThat(bucket.store().pendingUploads("")).isEmpty();
    }

    private static String cut(String key) {
      return key.substring(0, key.length() - 1);
    }

    /** All is closed; what the store does not have yet is in the journal. */
    private void restart() throws Exception {
      closeAll();
      // The kernel tells of closes after they have returned.
      MountFixture.await(() -> mount.handles().openFiles() == 0);
      steps.add(step + ": restart");
      mount.close();
      mount = new MountFixture(house, bucket.faulty(), Options.writable(durability));
    }

    @Override
    public void close() throws IOException {
      for (Held held : open) {
        held.channel.close();
      }
      mount.close();
    }
  }
}
