package io.tiermount.backends.s3;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.StoreException.Kind;
import io.tiermount.backends.s3.keys.S3Keys;
import java.io.IOException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.SdkHttpConfigurationOption;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.regions.providers.AwsProfileRegionProvider;
import software.amazon.awssdk.regions.providers.AwsRegionProviderChain;
import software.amazon.awssdk.regions.providers.SystemSettingsRegionProvider;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ClientBuilder;
import software.amazon.awssdk.utils.AttributeMap;

/** Makes the SDK's client at the first call, so that mounting costs nothing and needs no store. */
final class S3Clients implements AutoCloseable {
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(10);

  private final S3Options options;
  private final S3Keys keys;
  private volatile @Nullable S3Client client;

  @GuardedBy("this")
  private @Nullable SdkHttpClient http;

  @GuardedBy("this")
  private boolean closed;

  S3Clients(S3Options options, S3Keys keys) {
    this.options = options;
    this.keys = keys;
  }

  S3Client get(String key) throws StoreException {
    S3Client ready = client;
    return ready != null ? ready : create(key);
  }

  S3Keys keys() {
    return keys;
  }

  private synchronized S3Client create(String key) throws StoreException {
    if (closed) {
      throw new StoreException(Kind.CLOSED, key, "the store was closed: mount it again");
    }
    S3Client ready = client;
    if (ready == null) {
      http = httpClient(key);
      ready = s3Client(http);
      client = ready;
    }
    return ready;
  }

  private SdkHttpClient httpClient(String key) throws StoreException {
    Duration connect =
        options.deadline().compareTo(CONNECT_TIMEOUT) < 0 ? options.deadline() : CONNECT_TIMEOUT;
    Apache5HttpClient.Builder builder =
        Apache5HttpClient.builder()
            .maxConnections(options.maxConnections())
            .connectionTimeout(connect)
            // The permits of S3Calls come first, so nobody waits here.
            .connectionAcquisitionTimeout(options.deadline())
            // Only behind the watch, should that fail.
            .socketTimeout(options.deadline().multipliedBy(2))
            .connectionMaxIdleTime(Duration.ofSeconds(20))
            .tcpKeepAlive(true);
    AttributeMap.Builder tls = AttributeMap.builder();
    if (!options.verifyTls()) {
      tls.put(SdkHttpConfigurationOption.TRUST_ALL_CERTIFICATES, true);
    } else if (options.caBundle() != null) {
      try {
        builder.tlsTrustManagersProvider(CaBundle.read(options.caBundle()));
      } catch (IOException e) {
        throw new StoreException(Kind.INVALID, key, "" + e.getMessage(), e);
      }
    }
    return new AbortingHttpClient(builder.buildWithDefaults(tls.build()));
  }

  private S3Client s3Client(SdkHttpClient httpClient) {
    S3ClientBuilder builder =
        S3Client.builder()
            .httpClient(httpClient)
            .credentialsProvider(keys.signer())
            .region(region())
            .forcePathStyle(options.pathStyle())
            // Their requests would leave the prefix or need HeadBucket.
            .crossRegionAccessEnabled(false)
            .disableS3ExpressSessionAuth(true)
            // RGW and others refuse checksums they don't know; over http the payload is signed.
            .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
            .responseChecksumValidation(ResponseChecksumValidation.WHEN_SUPPORTED)
            .serviceConfiguration(service -> service.chunkedEncodingEnabled(false))
            .overrideConfiguration(override ->
                override
                    .retryStrategy(AwsRetryStrategy.doNotRetry())
                    .addExecutionInterceptor(new XmlRepair()));
    if (options.endpoint() != null) {
      builder.endpointOverride(options.endpoint());
    }
    return builder.build();
  }

  /**
   * Not the SDK's own chain: that asks the instance metadata and waits for it where there is none.
   */
  private Region region() {
    if (options.region() != null) {
      return Region.of(options.region());
    }
    try {
      return new AwsRegionProviderChain(
              new SystemSettingsRegionProvider(), new AwsProfileRegionProvider())
          .getRegion();
    } catch (SdkClientException e) {
      return Region.US_EAST_1; // none is set anywhere
    }
  }

  @Override
  public synchronized void close() {
    closed = true;
    S3Client ready = client;
    if (ready != null) {
      ready.close();
    }
    if (http != null) {
      http.close();
    }
    keys.close();
  }
}
