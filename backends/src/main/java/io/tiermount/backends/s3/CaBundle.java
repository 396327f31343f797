package io.tiermount.backends.s3;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.Collection;
import javax.net.ssl.TrustManagerFactory;
import software.amazon.awssdk.http.TlsTrustManagersProvider;

/** The authorities of a PEM file as the only ones that are trusted. */
final class CaBundle {
  private CaBundle() {}

  /**
   * Reads the file once.
   *
   * @throws IOException with a message for people: it is missing or holds no certificate
   */
  static TlsTrustManagersProvider read(Path file) throws IOException {
    Collection<? extends Certificate> authorities;
    try (InputStream pem = Files.newInputStream(file)) {
      authorities = CertificateFactory.getInstance("X.509").generateCertificates(pem);
    } catch (IOException | GeneralSecurityException e) {
      throw new IOException("can't read the CA bundle " + file + ": check verify", e);
    }
    if (authorities.isEmpty()) {
      throw new IOException("the CA bundle " + file + " holds no certificate: check verify");
    }
    try {
      KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
      store.load(null, null);
      int number = 0;
      for (Certificate authority : authorities) {
        store.setCertificateEntry("ca-" + number++, authority);
      }
      TrustManagerFactory factory =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      factory.init(store);
      return factory::getTrustManagers;
    } catch (GeneralSecurityException e) {
      throw new IOException("can't use the CA bundle " + file + ": check verify", e);
    }
  }
}
