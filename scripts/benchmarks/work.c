/*
 * The benchmarks' work on files, the same program for every file system; what was written can be
 * checked. Content is a fixed pseudo-random pattern: the byte at offset o of a file that starts at s
 * is pattern[(s + o) % PERIOD]; PERIOD is prime, so that a block in a wrong place differs.
 *
 *   work pattern FILE                         writes the pattern
 *   work sequential FILE BYTES BLOCK [fsync]  create, write, fsync, close
 *   work files DIR COUNT BYTES THREADS [fsync]  create, write, fsync, close each
 *   work append FILE COUNT BYTES              open, append, close each
 *   work rename FROM TO
 *   work touch BYTES                          takes and gives back so much memory
 *   work check FILE BYTES                     size and every byte
 *   work check-files DIR COUNT BYTES          every size, the bytes of every 16th file
 *   work read-files DIR COUNT BYTES THREADS   opens, reads, closes and compares every file
 *   work random FILE BYTES COUNT              COUNT reads of 4 KiB at random; the median of one read's time
 *   work list DIR COUNT                       readdir of COUNT entries; the time until the first one, and of all
 *
 * Prints the seconds that the work took. Exit status 1: failed, or something other than what was written.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PERIOD = 1048583, LARGEST_BLOCK = 8 << 20, FILE_STEP = 4099, SAMPLE = 16, MOST_THREADS = 64 };

static unsigned char *pattern;

static void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

static void fail(const char *format, ...) {
  int error = errno;
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fprintf(stderr, error ? ": %s\n" : "\n", strerror(error));
  exit(1);
}

/* One period and the largest block behind it, so that any block is one piece of memory. */
static void make_pattern(void) {
  pattern = malloc(PERIOD + LARGEST_BLOCK);
  if (!pattern) fail("no memory");
  uint64_t state = 0x9e3779b97f4a7c15ULL;
  for (size_t at = 0; at < PERIOD; at++) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    pattern[at] = (unsigned char)(state >> 24);
  }
  for (size_t at = PERIOD; at < PERIOD + (size_t)LARGEST_BLOCK; at++) pattern[at] = pattern[at - PERIOD];
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void write_all(int fd, const char *path, uint64_t start, uint64_t bytes, uint64_t block) {
  for (uint64_t done = 0; done < bytes;) {
    uint64_t want = bytes - done < block ? bytes - done : block;
    ssize_t count = write(fd, pattern + (start + done) % PERIOD, want);
    if (count <= 0) fail("write %s at %llu", path, (unsigned long long)done);
    done += (uint64_t)count;
  }
}

static void write_file(const char *path, int flags, uint64_t start, uint64_t bytes, uint64_t block, int sync) {
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);
  if (fd < 0) fail("open %s", path);
  write_all(fd, path, start, bytes, block);
  if (sync && fsync(fd)) fail("fsync %s", path);
  if (close(fd)) fail("close %s", path);
}

struct share {
  const char *directory;
  long count, threads, number;
  uint64_t bytes;
  int sync;
};

static void name_of(char *path, size_t size, const char *directory, long number) {
  snprintf(path, size, "%s/file-%06ld", directory, number);
}

static void *write_share(void *argument) {
  struct share *share = argument;
  for (long number = share->number; number < share->count; number += share->threads) {
    char path[4096];
    name_of(path, sizeof path, share->directory, number);
    write_file(path, O_EXCL, (uint64_t)number * FILE_STEP, share->bytes, LARGEST_BLOCK, share->sync);
  }
  return NULL;
}

static void in_threads(void *work(void *), const char *directory, long count, uint64_t bytes, long threads, int sync) {
  pthread_t started[MOST_THREADS];
  struct share shares[MOST_THREADS];
  if (threads < 1 || threads > MOST_THREADS) fail("1 to %d threads", MOST_THREADS);
  for (long number = 0; number < threads; number++) {
    shares[number] = (struct share){directory, count, threads, number, bytes, sync};
    if (pthread_create(&started[number], NULL, work, &shares[number])) fail("no thread");
  }
  for (long number = 0; number < threads; number++) pthread_join(started[number], NULL);
}

static void check_size(const char *path, uint64_t bytes) {
  struct stat stat_of;
  if (stat(path, &stat_of)) fail("stat %s", path);
  errno = 0;
  if ((uint64_t)stat_of.st_size != bytes)
    fail("%s has %lld bytes, not %llu", path, (long long)stat_of.st_size, (unsigned long long)bytes);
}

static void check_bytes(const char *path, uint64_t start, uint64_t bytes) {
  static unsigned char block[1 << 20];
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail("open %s", path);
  /* Not what the kernel still holds of the writing, where it can be dropped. */
  posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  uint64_t done = 0;
  for (;;) {
    ssize_t count = read(fd, block, sizeof block);
    if (count < 0) fail("read %s at %llu", path, (unsigned long long)done);
    if (count == 0) break;
    if (memcmp(block, pattern + (start + done) % PERIOD, (size_t)count)) {
      errno = 0;
      fail("%s is not what was written, within 1 MiB of offset %llu", path, (unsigned long long)done);
    }
    done += (uint64_t)count;
  }
  close(fd);
  errno = 0;
  if (done != bytes) fail("%s ends at %llu, not at %llu", path, (unsigned long long)done, (unsigned long long)bytes);
}

static void *read_share(void *argument) {
  struct share *share = argument;
  unsigned char *block = malloc(share->bytes + 1);
  if (!block) fail("no memory");
  for (long number = share->number; number < share->count; number += share->threads) {
    char path[4096];
    name_of(path, sizeof path, share->directory, number);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) fail("open %s", path);
    uint64_t done = 0;
    for (ssize_t got; done <= share->bytes && (got = read(fd, block + done, share->bytes + 1 - done)) != 0; done += (uint64_t)got)
      if (got < 0) fail("read %s", path);
    close(fd);
    errno = 0;
    if (done != share->bytes || memcmp(block, pattern + (uint64_t)number * FILE_STEP % PERIOD, done)) fail("%s is not what was written", path);
  }
  free(block);
  return NULL;
}

static int by_time(const void *one, const void *other) {
  double a = *(const double *)one, b = *(const double *)other;
  return (a > b) - (a < b);
}

static double random_reads(const char *path, uint64_t bytes, long count) {
  unsigned char block[4096];
  double *times = malloc(sizeof(double) * (size_t)count);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail("open %s", path);
  posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
  srandom(7);
  for (long number = 0; number < count; number++) {
    uint64_t at = (((uint64_t)random() << 31) ^ (uint64_t)random()) % (bytes / sizeof block) * sizeof block;
    double began = now();
    if (pread(fd, block, sizeof block, (off_t)at) != (ssize_t)sizeof block) fail("read %s", path);
    times[number] = now() - began;
    errno = 0;
    if (memcmp(block, pattern + at % PERIOD, sizeof block)) fail("%s is not what was written", path);
  }
  close(fd);
  qsort(times, (size_t)count, sizeof *times, by_time);
  return times[count / 2];
}

static void list(const char *path, long count) {
  double began = now(), first = 0;
  DIR *directory = opendir(path);
  if (!directory) fail("open %s", path);
  long seen = 0;
  for (struct dirent *entry; (entry = readdir(directory));) {
    if (entry->d_name[0] == '.') continue;
    if (++seen == 1) first = now() - began;
  }
  closedir(directory);
  errno = 0;
  if (seen != count) fail("%s lists %ld entries, not %ld", path, seen, count);
  printf("%.6f %.6f\n", first, now() - began);
}

static void check_files(const char *directory, long count, uint64_t bytes) {
  for (long number = 0; number < count; number++) {
    char path[4096];
    name_of(path, sizeof path, directory, number);
    check_size(path, bytes);
    if (number % SAMPLE == 0 || number == count - 1) check_bytes(path, (uint64_t)number * FILE_STEP, bytes);
  }
}

static uint64_t number(const char *text) {
  char *end;
  unsigned long long value = strtoull(text, &end, 10);
  if (*end || end == text) fail("not a number: %s", text);
  return value;
}

int main(int count, char **words) {
  make_pattern();
  const char *what = count > 1 ? words[1] : "";
  int sync = count > 2 && !strcmp(words[count - 1], "fsync");
  int given = count - sync;
  double began = now();
  if (!strcmp(what, "pattern") && given == 3) {
    write_file(words[2], O_TRUNC, 0, PERIOD, LARGEST_BLOCK, 0);
  } else if (!strcmp(what, "sequential") && given == 5) {
    uint64_t block = number(words[4]);
    if (block < 1 || block > LARGEST_BLOCK) fail("blocks of 1 to %d bytes", LARGEST_BLOCK);
    write_file(words[2], O_EXCL, 0, number(words[3]), block, sync);
  } else if (!strcmp(what, "files") && given == 6) {
    in_threads(write_share, words[2], (long)number(words[3]), number(words[4]), (long)number(words[5]), sync);
  } else if (!strcmp(what, "append") && given == 5) {
    uint64_t bytes = number(words[4]);
    for (uint64_t done = 0; done < number(words[3]); done++)
      write_file(words[2], O_APPEND, done * bytes, bytes, LARGEST_BLOCK, 0);
  } else if (!strcmp(what, "rename") && given == 4) {
    if (rename(words[2], words[3])) fail("rename %s", words[2]);
  } else if (!strcmp(what, "touch") && given == 3) {
    if (mmap(NULL, number(words[2]), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) == MAP_FAILED)
      fail("mmap");
  } else if (!strcmp(what, "check") && given == 4) {
    check_size(words[2], number(words[3]));
    check_bytes(words[2], 0, number(words[3]));
  } else if (!strcmp(what, "check-files") && given == 5) {
    check_files(words[2], (long)number(words[3]), number(words[4]));
  } else if (!strcmp(what, "read-files") && given == 6) {
    if (number(words[4]) > LARGEST_BLOCK) fail("files of at most %d bytes", LARGEST_BLOCK);
    in_threads(read_share, words[2], (long)number(words[3]), number(words[4]), (long)number(words[5]), 0);
  } else if (!strcmp(what, "random") && given == 5) {
    if (number(words[4]) < 1 || number(words[3]) < 4096) fail("one read of 4096 bytes at least");
    printf("%.9f\n", random_reads(words[2], number(words[3]), (long)number(words[4])));
    return 0;
  } else if (!strcmp(what, "list") && given == 4) {
    list(words[2], (long)number(words[3]));
    return 0;
  } else {
    fail("work: see the head of work.c");
  }
  printf("%.6f\n", now() - began);
  return 0;
}
