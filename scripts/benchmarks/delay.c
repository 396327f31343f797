/*
 * Delays every packet that enters a TUN device, for kernels without sch_netem: what is read from it
 * is sent through another interface after the given time.
 *
 *   delay TUN OUT MILLISECONDS
 *
 * Makes TUN (the caller sets address, routes and "up"), prints "ready", runs until killed. Never more
 * than MOST packets wait; past that they are dropped, as by a queue of a router.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 1024, LARGEST = 65536 };

static unsigned char packets[MOST][LARGEST];
static struct {
  uint64_t due;
  ssize_t bytes;
} waiting[MOST];

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000ULL + (uint64_t)time.tv_nsec;
}

static int open_tun(const char *name) {
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) fail("/dev/net/tun");
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  if (ioctl(fd, TUNSETIFF, &request)) fail("TUNSETIFF");
  return fd;
}

static int open_out(const char *name) {
  int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
  if (fd < 0) fail("raw socket");
  if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name) + 1)) fail("SO_BINDTODEVICE");
  int buffer = 64 << 20;
  setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer);
  return fd;
}

static void send_packet(int out, const unsigned char *packet, ssize_t bytes) {
  struct sockaddr_in to = {.sin_family = AF_INET};
  memcpy(&to.sin_addr, packet + offsetof(struct iphdr, daddr), sizeof to.sin_addr);
  /* A packet that cannot be sent is a lost one. */
  if (sendto(out, packet, (size_t)bytes, 0, (struct sockaddr *)&to, sizeof to) < 0 && errno != ENOBUFS) perror("sendto");
}

int main(int count, char **words) {
  if (count != 4) {
    fprintf(stderr, "delay TUN OUT MILLISECONDS\n");
    return 2;
  }
  uint64_t delay = strtoull(words[3], NULL, 10) * 1000000ULL;
  int tun = open_tun(words[1]);
  int out = open_out(words[2]);
  puts("ready");
  fflush(stdout);
  size_t first = 0, held = 0;
  for (;;) {
    struct timespec until, *limit = NULL;
    if (held) {
      uint64_t time = now(), left = waiting[first].due > time ? waiting[first].due - time : 0;
      until = (struct timespec){(time_t)(left / 1000000000ULL), (long)(left % 1000000000ULL)};
      limit = &until;
    }
    struct pollfd poll_of = {.fd = tun, .events = POLLIN};
    if (ppoll(&poll_of, 1, limit, NULL) < 0 && errno != EINTR) fail("ppoll");
    for (;;) {
      size_t at = (first + held) % MOST;
      static unsigned char dropped[LARGEST];
      unsigned char *target = held < MOST ? packets[at] : dropped;
      ssize_t bytes = read(tun, target, LARGEST);
      if (bytes <= 0) {
        if (bytes < 0 && errno != EAGAIN && errno != EINTR && errno != EIO) fail("read");
        break;
      }
      /* IPv4 alone; the kernel's own IPv6 chatter is not for us. */
      if (held < MOST && target[0] >> 4 == 4) {
        waiting[at].due = now() + delay;
        waiting[at].bytes = bytes;
        held++;
      }
    }
    for (uint64_t time = now(); held && waiting[first].due <= time; held--, first = (first + 1) % MOST)
      send_packet(out, packets[first], waiting[first].bytes);
  }
}
