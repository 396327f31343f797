import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.CompletedPart;

/**
 * The reference of {@code bench write}: the daemon's SDK and HTTP client with the daemon's settings,
 * and no file system. Uploads the pattern of work.c from memory, in parts, in parallel.
 *
 * <p>Arguments: ENDPOINT BUCKET PATTERN-FILE, keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
 * Reads lines "KEY BYTES"; answers each with the seconds it took. The first line that it prints is
 * "ready". Single-file source: run with {@code java -cp 'lib/*' RawUpload.java}.
 */
final class RawUpload {
  private static final int PART_BYTES = 8 << 20;
  private static final int PARALLEL = 8;

  private final S3Client client;
  private final String bucket;
  private final int period;
  private final byte[] pattern;

  private RawUpload(S3Client client, String bucket, byte[] once) {
    this.client = client;
    this.bucket = bucket;
    this.period = once.length;
    this.pattern = new byte[period + PART_BYTES];
    for (int at = 0; at < pattern.length; at += period) {
      System.arraycopy(once, 0, pattern, at, Math.min(period, pattern.length - at));
    }
  }

  private CompletedPart part(String key, String uploadId, int number, long from, int bytes) {
    int start = (int) (from % period);
    var body =
        RequestBody.fromContentProvider(
            () -> new ByteArrayInputStream(pattern, start, bytes), bytes, "application/octet-stream");
    String tag =
        client
            .uploadPart(
                part ->
                    part.bucket(bucket)
                        .key(key)
                        .uploadId(uploadId)
                        .partNumber(number)
                        .contentLength((long) bytes),
                body)
            .eTag();
    return CompletedPart.builder().partNumber(number).eTag(tag).build();
  }

  private double upload(String key, long bytes) throws InterruptedException, ExecutionException {
    long began = System.nanoTime();
    String id = client.createMultipartUpload(upload -> upload.bucket(bucket).key(key)).uploadId();
    List<CompletedPart> parts = new ArrayList<>();
    try (ExecutorService pool = Executors.newFixedThreadPool(PARALLEL)) {
      List<Future<CompletedPart>> running = new ArrayList<>();
      for (long from = 0; from < bytes; from += PART_BYTES) {
        long start = from;
        int number = running.size() + 1;
        int length = (int) Math.min(PART_BYTES, bytes - from);
        running.add(pool.submit(() -> part(key, id, number, start, length)));
      }
      for (Future<CompletedPart> part : running) {
        parts.add(part.get());
      }
    }
    client.completeMultipartUpload(
        complete ->
            complete.bucket(bucket).key(key).uploadId(id).multipartUpload(all -> all.parts(parts)));
    return (System.nanoTime() - began) / 1e9;
  }

  public static void main(String[] arguments) throws IOException, InterruptedException, ExecutionException {
    try (S3Client client =
        S3Client.builder()
            .httpClientBuilder(
                Apache5HttpClient.builder()
                    .maxConnections(2 * PARALLEL)
                    .socketTimeout(Duration.ofSeconds(60)))
            .endpointOverride(URI.create(arguments[0]))
            .region(Region.US_EAST_1)
            .forcePathStyle(true)
            .credentialsProvider(
                StaticCredentialsProvider.create(
                    AwsBasicCredentials.create(
                        System.getenv("AWS_ACCESS_KEY_ID"), System.getenv("AWS_SECRET_ACCESS_KEY"))))
            .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
            .serviceConfiguration(service -> service.chunkedEncodingEnabled(false))
            .build()) {
      RawUpload raw = new RawUpload(client, arguments[1], Files.readAllBytes(Path.of(arguments[2])));
      // Classes loaded and compiled, connections open: as in a running daemon, and in the server.
      for (int round = 0; round < 3; round++) {
        raw.upload("warm-up", 8L * PART_BYTES);
      }
      System.out.println("ready");
      for (String line = IO.readln(); line != null; line = IO.readln()) {
        String[] words = line.split(" ", 2);
        System.out.println(String.format(Locale.ROOT, "%.6f", raw.upload(words[0], Long.parseLong(words[1]))));
      }
    }
  }
}
