package io.tiermount.daemon.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** CONFIG.md, section 3: {@code tiermount import values.yaml}. */
final class ValuesImportTest {
  private static final String REFERENCE =
      """
      # A chart's own file.
      api: { replicas: 2, image: "polyaxon/api" }
      persistence:
        logs: { mountPath: "/logs" }
        data:
          data1:      { mountPath: "/data/1", hostPath: "/path/to/data", readOnly: true }
          data-foo:   { mountPath: "/data/foo", existingClaim: "data-foo-pvc" }
          data-s3:    { store: s3,    bucket: "s3://data-bucket",  secret: secret-name, secretKey: secret-key }
          data-gcs:   { store: gcs,   bucket: "gs://data-bucket",  secret: secret-name, secretKey: secret-key }
          data-azure:
            store: azure
            bucket: wasbs://container@account.blob.core.windows.net/
            secret: secret-name
            secretKey: secret-key
        outputs:
          outputs1:   { mountPath: "/outputs/1", hostPath: "/path/to/outputs" }
      """;

  @TempDir private Path directory;

  @Test
  void c23_the_reference_becomes_hocon_with_the_same_keys_in_the_same_order()
      throws InvalidConfigException, IOException {
    ValuesImport values = read(REFERENCE);

    assertThat(values.hocon())
        .isEqualTo(
            """
            # From values.yaml.
            persistence {
              data {
                data1 {
                  mountPath = "/data/1"
                  hostPath = "/path/to/data"
                  readOnly = true
                }
                data-foo {
                  mountPath = "/data/foo"
                  existingClaim = "data-foo-pvc"
                }
                data-s3 {
                  store = "s3"
                  bucket = "s3://data-bucket"
                  secret = "secret-name"
                  secretKey = "secret-key"
                }
                data-gcs {
                  store = "gcs"
                  bucket = "gs://data-bucket"
                  secret = "secret-name"
                  secretKey = "secret-key"
                }
                data-azure {
                  store = "azure"
                  bucket = "wasbs://container@account.blob.core.windows.net/"
                  secret = "secret-name"
                  secretKey = "secret-key"
                }
              }
              outputs {
                outputs1 {
                  mountPath = "/outputs/1"
                  hostPath = "/path/to/outputs"
                }
              }
            }
            """);
    assertThat(values.notices()).containsExactly("left aside: api", "left aside: persistence.logs");
    TiermountConfig config = ConfigText.parse(values.hocon());
    assertThat(config.mounts())
        .extracting(MountConfig::name)
        .containsExactly("data1", "data-foo", "outputs1");
    assertThat(config.skipped()).containsOnlyKeys("data-azure", "data-gcs", "data-s3");
  }

  @Test
  void c23_every_error_names_the_yaml_files_line() {
    List<ConfigError> errors =
        errors(
            """
            persistence:
              data:
                one: { hostPath: /x, existingClaim: y }
                two:
                  store: s3
                  bucket: gs://b-b
                three: { hostPaht: /z }
            """);

    assertThat(errors)
        .extracting(error -> error.line() + " " + error.key())
        .containsExactly(
            "3 persistence.data.one.existingClaim",
            "6 persistence.data.two.bucket",
            "7 persistence.data.three.hostPaht",
            "7 persistence.data.three.store");
    assertThat(errors).extracting(ConfigError::file).allMatch(file -> file.endsWith("values.yaml"));
  }

  @Test
  void values_of_todays_polyaxon_are_told_apart() {
    assertThat(errors("artifactsStore: { name: a }\nconnections: []\n"))
        .singleElement()
        .satisfies(error -> {
          assertThat(error.key()).isEqualTo("persistence");
          assertThat(error.hint()).startsWith("connections and artifactsStore is today's form");
        });
  }

  @Test
  void what_is_no_single_document_of_plain_yaml_is_refused() {
    assertThat(errors("persistence: { data: [\n")).hasSize(1);
    assertThat(errors("- a\n- b\n")).hasSize(1);
    assertThat(errors("")).hasSize(1);
    assertThat(errors("persistence: {}\n---\nx: 1\n"))
        .extracting(ConfigError::found)
        .containsExactly("a second document");
    assertThat(
            errors(
                """
                persistence:
                  data:
                    a: { hostPath: /x }
                    a: { hostPath: /y }
                """))
        .extracting(ConfigError::found)
        .containsExactly("a second a");
  }

  @Test
  void an_alias_is_refused_and_not_read_as_its_name() {
    assertThat(
            errors(
                """
                x: &where /data
                persistence:
                  data:
                    a: { hostPath: *where }
                """))
        .extracting(error -> error.line() + " " + error.found())
        .containsExactly("4 an alias (*where)");
  }

  @Test
  void texts_are_quoted_so_that_hocon_reads_them_as_they_were()
      throws InvalidConfigException, IOException {
    ValuesImport values =
        read("persistence: { data: { a: { hostPath: '/x ${HOME} \"y\" # z', readOnly: false } } }");

    TiermountConfig config = ConfigText.parse(values.hocon());
    assertThat(((SourceConfig.LocalDirectory) config.mounts().getFirst().source()).directory())
        .isEqualTo(Path.of("/x ${HOME} \"y\" # z"));
  }

  private ValuesImport read(String yaml) throws InvalidConfigException, IOException {
    Path file = directory.resolve("values.yaml");
    Files.writeString(file, yaml);
    return ValuesImport.read(file);
  }

  private List<ConfigError> errors(String yaml) {
    try {
      ValuesImport values = read(yaml);
      throw new AssertionError("this was accepted: " + values);
    } catch (InvalidConfigException e) {
      return e.errors();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
