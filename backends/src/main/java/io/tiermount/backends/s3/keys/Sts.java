package io.tiermount.backends.s3.keys;

import java.net.URI;
import java.time.Duration;
import java.util.function.Function;
import software.amazon.awssdk.auth.credentials.AnonymousCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sts.StsClient;
import software.amazon.awssdk.services.sts.StsClientBuilder;

/**
 * Amazon's service that gives temporary keys for a role. A client lives for one question: it is
 * asked once in many minutes.
 */
final class Sts {
  private static final Duration TIMEOUT = Duration.ofSeconds(10);

  private final AwsEnvironment environment;

  Sts(AwsEnvironment environment) {
    this.environment = environment;
  }

  /** Keys for whoever holds the token of a trusted issuer. */
  Keys withWebIdentity(String roleArn, String session, String token)
      throws NoKeysException, InterruptedException {
    return ask(
        roleArn,
        AnonymousCredentialsProvider.create(),
        sts ->
            sts.assumeRoleWithWebIdentity(request ->
                    request.roleArn(roleArn).roleSessionName(session).webIdentityToken(token))
                .credentials());
  }

  /** Keys for somebody who has others and may take the role. */
  Keys withKeys(String roleArn, String session, String externalId, AwsCredentials keys)
      throws NoKeysException, InterruptedException {
    return ask(
        roleArn,
        StaticCredentialsProvider.create(keys),
        sts ->
            sts.assumeRole(
                    request -> {
                      request.roleArn(roleArn).roleSessionName(session);
                      if (!externalId.isEmpty()) {
                        request.externalId(externalId);
                      }
                    })
                .credentials());
  }

  private Keys ask(
      String roleArn,
      AwsCredentialsProvider who,
      Function<StsClient, software.amazon.awssdk.services.sts.model.Credentials> question)
      throws NoKeysException, InterruptedException {
    String region = environment.region();
    try (SdkHttpClient http =
        Apache5HttpClient.builder()
            .maxConnections(1)
            .connectionTimeout(TIMEOUT)
            .socketTimeout(TIMEOUT)
            .build()) {
      StsClientBuilder builder =
          StsClient.builder()
              .httpClient(http)
              .credentialsProvider(who)
              .region(region.isEmpty() ? Region.US_EAST_1 : Region.of(region))
              .overrideConfiguration(override -> override.apiCallTimeout(TIMEOUT.multipliedBy(2)));
      String endpoint = environment.get("AWS_ENDPOINT_URL_STS");
      if (!endpoint.isEmpty()) {
        builder.endpointOverride(URI.create(endpoint));
      }
      try (StsClient sts = builder.build()) {
        var given = question.apply(sts);
        return new Keys(
            given.accessKeyId(), given.secretAccessKey(), given.sessionToken(), given.expiration());
      }
    } catch (AwsServiceException e) {
      throw NoKeysException.failed(
          "STS refuses role " + roleArn + ": " + code(e) + " (HTTP " + e.statusCode() + ")");
    } catch (SdkClientException | IllegalArgumentException e) {
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
      // Not the SDK's words: they may quote the request, which holds the token.
      throw NoKeysException.failed(
          "STS does not answer for role " + roleArn + " (" + e.getClass().getSimpleName() + ")");
    }
  }

  private static String code(AwsServiceException e) {
    var details = e.awsErrorDetails();
    return details == null || details.errorCode() == null ? "no code" : details.errorCode();
  }
}
