import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Response;

/**
 * The reference of {@code bench cold}: the daemon's SDK and HTTP client, and no file system.
 *
 * <p>Arguments: ENDPOINT BUCKET, keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. The first
 * line that it prints is "ready"; then it reads lines and answers each with seconds:
 *
 * <ul>
 *   <li>{@code sequential KEY BYTES}: the object in ranges of 8 MiB, 8 at a time
 *   <li>{@code random KEY BYTES COUNT}: the median of COUNT ranged GETs of 4 KiB, one after the
 *       other
 *   <li>{@code small PREFIX COUNT THREADS}: whole objects {@code PREFIX/file-000000} …
 *   <li>{@code list PREFIX}: all pages below {@code PREFIX/} with the delimiter; answers the first
 *       page's seconds, all seconds
 * </ul>
 */
final class RawRead {
  private static final int RANGE_BYTES = 8 << 20;
  private static final int PARALLEL = 8;
  private final S3Client client;
  private final String bucket;

  private RawRead(S3Client client, String bucket) {
    this.client = client;
    this.bucket = bucket;
  }

  private static double since(long began) {
    return (System.nanoTime() - began) / 1e9;
  }

  private long get(String key, String range) throws IOException {
    byte[] buffer = new byte[1 << 16];
    long bytes = 0;
    try (InputStream in =
        client.getObject(get -> {
          get.bucket(bucket).key(key);
          if (range != null) {
            get.range(range);
          }
        })) {
      for (int count = in.read(buffer); count > 0; count = in.read(buffer)) {
        bytes += count;
      }
    }
    return bytes;
  }

  private static long inThreads(int threads, List<Callable<Long>> works) throws Exception {
    long sum = 0;
    try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
      for (Future<Long> done : pool.invokeAll(works)) {
        sum += done.get();
      }
    }
    return sum;
  }

  private double sequential(String key, long bytes) throws Exception {
    List<Callable<Long>> works = new ArrayList<>();
    for (long from = 0; from < bytes; from += RANGE_BYTES) {
      String range = "bytes=" + from + "-" + (Math.min(bytes, from + RANGE_BYTES) - 1);
      works.add(() -> get(key, range));
    }
    long began = System.nanoTime();
    expect(inThreads(PARALLEL, works), bytes);
    return since(began);
  }

  private double random(String key, long bytes, int count) throws IOException {
    Random random = new Random(7);
    double[] seconds = new double[count];
    for (int i = 0; i < count; i++) {
      long at = random.nextLong(bytes / 4096) * 4096;
      long began = System.nanoTime();
      expect(get(key, "bytes=" + at + "-" + (at + 4095)), 4096);
      seconds[i] = since(began);
    }
    Arrays.sort(seconds);
    return seconds[count / 2];
  }

  private double small(String prefix, int count, int threads) throws Exception {
    AtomicInteger next = new AtomicInteger();
    List<Callable<Long>> works = new ArrayList<>();
    for (int thread = 0; thread < threads; thread++) {
      works.add(() -> {
        long bytes = 0;
        for (int i = next.getAndIncrement(); i < count; i = next.getAndIncrement()) {
          bytes += get(String.format(Locale.ROOT, "%s/file-%06d", prefix, i), null);
        }
        return bytes;
      });
    }
    long began = System.nanoTime();
    inThreads(threads, works);
    return since(began);
  }

  private String list(String prefix) {
    long began = System.nanoTime();
    double first = 0;
    String token = null;
    do {
      String from = token;
      ListObjectsV2Response page =
          client.listObjectsV2(list ->
              list.bucket(bucket).prefix(prefix + "/").delimiter("/").continuationToken(from));
      first = first == 0 ? since(began) : first;
      token = page.nextContinuationToken();
    } while (token != null);
    return String.format(Locale.ROOT, "%.6f %.6f", first, since(began));
  }

  private static void expect(long bytes, long wanted) {
    if (bytes != wanted) {
      throw new IllegalStateException(bytes + " bytes instead of " + wanted);
    }
  }

  private String answer(String[] words) throws Exception {
    double seconds =
        switch (words[0]) {
          case "sequential" -> sequential(words[1], Long.parseLong(words[2]));
          case "random" -> random(words[1], Long.parseLong(words[2]), Integer.parseInt(words[3]));
          case "small" -> small(words[1], Integer.parseInt(words[2]), Integer.parseInt(words[3]));
          default -> -1;
        };
    return seconds < 0 ? list(words[1]) : String.format(Locale.ROOT, "%.9f", seconds);
  }

  public static void main(String[] arguments) throws Exception {
    try (S3Client client =
        S3Client.builder()
            .httpClientBuilder(
                Apache5HttpClient.builder()
                    .maxConnections(64)
                    .socketTimeout(Duration.ofSeconds(60)))
            .endpointOverride(URI.create(arguments[0]))
            .region(Region.US_EAST_1)
            .forcePathStyle(true)
            .credentialsProvider(
                StaticCredentialsProvider.create(
                    AwsBasicCredentials.create(
                        System.getenv("AWS_ACCESS_KEY_ID"),
                        System.getenv("AWS_SECRET_ACCESS_KEY"))))
            .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
            .build()) {
      RawRead raw = new RawRead(client, arguments[1]);
      System.out.println("ready");
      for (String line = IO.readln(); line != null; line = IO.readln()) {
        System.out.println(raw.answer(line.split(" ")));
      }
    }
  }
}
