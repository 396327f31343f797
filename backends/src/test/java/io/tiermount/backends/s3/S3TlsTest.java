package io.tiermount.backends.s3;

import static io.tiermount.backends.StoreFixture.failure;
import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.Credentials;
import io.tiermount.backends.StoreException.Kind;
import io.tiermount.backends.strict.StrictS3Options;
import io.tiermount.backends.strict.StrictS3Server;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** https with an authority of one's own, made by the JDK's keytool. */
final class S3TlsTest extends StrictStoreTest {
  private static final String PASSWORD = "changeit";

  @Test
  void only_the_authorities_of_the_bundle_are_trusted(@TempDir Path directory) throws Exception {
    Path bundle = directory.resolve("ca.pem");
    StrictS3Server server = server(directory, bundle);
    S3Store trusting = store(options(server, true, bundle), S3Tuning.SERVICE);
    put(trusting, "k", new byte[100_000]);
    assertThat(read(trusting, "k", null, 100_000)).hasSize(100_000);
    var refused = failure(() -> store(options(server, true, null), S3Tuning.SERVICE).head("k"));
    assertThat(refused.kind()).isEqualTo(Kind.UNAVAILABLE);
    assertThat(refused).hasMessageContaining("certificate is not trusted");
    assertThat(store(options(server, false, null), S3Tuning.SERVICE).head("k")).isPresent();
  }

  @Test
  void a_bundle_that_can_not_be_read_is_named(@TempDir Path directory) throws Exception {
    StrictS3Server server = server(directory, directory.resolve("ca.pem"));
    Path empty = Files.writeString(directory.resolve("empty.pem"), "");
    for (Path bundle : List.of(empty, directory.resolve("missing.pem"))) {
      var failure = failure(() -> store(options(server, true, bundle), S3Tuning.SERVICE).head("k"));
      assertThat(failure.kind()).isEqualTo(Kind.INVALID);
      assertThat(failure).hasMessageContaining(bundle.toString());
    }
  }

  private static S3Options options(StrictS3Server server, boolean verify, @Nullable Path bundle) {
    Credentials keys =
        new Credentials.S3Static(server.options().accessKey(), server.options().secretKey(), null);
    return S3TestStores.options(server.endpoint(), keys, PATIENT, 1, verify, bundle);
  }

  /** An https server whose certificate the authority in {@code bundle} signed. */
  private StrictS3Server server(Path directory, Path bundle) throws Exception {
    Path authority = directory.resolve("ca.p12");
    Path server = directory.resolve("server.p12");
    Path request = directory.resolve("server.csr");
    Path certificate = directory.resolve("server.pem");
    keytool(authority, "-genkeypair", "-dname", "CN=our CA", "-ext", "bc:c", "-keyalg", "EC");
    keytool(authority, "-exportcert", "-rfc", "-file", bundle.toString());
    keytool(server, "-genkeypair", "-dname", "CN=127.0.0.1", "-keyalg", "EC");
    keytool(server, "-certreq", "-file", request.toString());
    keytool(
        authority,
        "-gencert",
        "-rfc",
        "-ext",
        "san=ip:127.0.0.1",
        "-infile",
        request.toString(),
        "-outfile",
        certificate.toString());
    keytool(server, "-importcert", "-noprompt", "-alias", "ca", "-file", bundle.toString());
    keytool(server, "-importcert", "-noprompt", "-file", certificate.toString());
    KeyStore keys = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(server)) {
      keys.load(in, PASSWORD.toCharArray());
    }
    KeyManagerFactory managers =
        KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    managers.init(keys, PASSWORD.toCharArray());
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(managers.getKeyManagers(), null, null);
    return server(StrictS3Options.DEFAULTS.withTls(context));
  }

  private static void keytool(Path store, String... arguments) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
    command.addAll(List.of(arguments));
    if (!command.contains("-alias")) {
      command.addAll(List.of("-alias", "key"));
    }
    command.addAll(
        List.of("-keystore", store.toString(), "-storetype", "PKCS12", "-storepass", PASSWORD));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).inheritIO().start();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("%s ends", command).isTrue();
    assertThat(process.exitValue()).as("%s", command).isZero();
  }
}
