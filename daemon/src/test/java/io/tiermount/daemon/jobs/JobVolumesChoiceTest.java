package io.tiermount.daemon.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tiermount.daemon.admin.Json;
import io.tiermount.daemon.config.ConfigParser;
import io.tiermount.daemon.config.InvalidConfigException;
import io.tiermount.daemon.config.JobVolume;
import io.tiermount.daemon.config.ThisNode;
import io.tiermount.daemon.config.TiermountConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** CONFIG.md, section 3: what a job gets. */
final class JobVolumesChoiceTest {
  @TempDir private Path directory;
  private TiermountConfig config = null_();

  @SuppressWarnings("NullAway") // set before each test
  private static TiermountConfig null_() {
    return null;
  }

  @BeforeEach
  void read() throws IOException, InvalidConfigException {
    Path file = directory.resolve("mounts.conf");
    Files.writeString(
        file,
        """
        mounts { scratch { path = /mnt/scratch, scope = local, source = "file:///srv/scratch" } }
        persistence {
          data { data1 { hostPath = /srv/1 }, data-foo { hostPath = /srv/2, mountPath = /data/foo } }
          outputs {
            old { hostPath = /srv/old, readOnly = true }
            outputs-foo { hostPath = /srv/3, mountPath = /outputs/foo }
            another { hostPath = /srv/4 }
          }
        }
        """);
    config = new ConfigParser(Map.of(), new ThisNode()).parseFiles(List.of(file));
  }

  @Test
  void j2_a_job_that_names_nothing_gets_all_data_and_the_first_outputs_that_can_be_written() {
    JobVolumesChoice choice = JobVolumesChoice.of(config, null, null);

    // On one line the names decide.
    assertThat(choice.data()).extracting(JobVolume::name).containsExactly("data-foo", "data1");
    assertThat(choice.outputs()).map(JobVolume::name).contains("outputs-foo");
  }

  @Test
  void j2_a_job_gets_what_it_names() {
    JobVolumesChoice choice =
        JobVolumesChoice.of(config, List.of("data-foo", "scratch", "data-foo"), "another");

    assertThat(choice.data()).extracting(JobVolume::name).containsExactly("data-foo", "scratch");
    assertThat(choice.outputs()).map(JobVolume::path).contains(Path.of("/mnt/another"));
    assertThat(JobVolumesChoice.of(config, List.of(), "another").data()).isEmpty();
  }

  @Test
  void j2_an_unknown_name_is_an_error_that_lists_the_known() {
    assertThatThrownBy(() -> JobVolumesChoice.of(config, List.of("data2"), null))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("no data volume is named data2: there is data-foo, data1, scratch");
    assertThatThrownBy(() -> JobVolumesChoice.of(config, List.of("outputs-foo"), null))
        .hasMessageStartingWith("no data volume is named outputs-foo");
    assertThatThrownBy(() -> JobVolumesChoice.of(config, null, "data1"))
        .hasMessageStartingWith("no outputs volume is named data1");
    assertThatThrownBy(() -> JobVolumesChoice.of(config, null, "old"))
        .hasMessage("old is read-only: outputs go to a volume that can be written");
  }

  @Test
  void the_outputs_path_is_the_runs_own_directory() {
    JobVolumesChoice choice = JobVolumesChoice.of(config, List.of("data1"), "outputs-foo");

    assertThat(JobEnvironment.of(config, choice, "run-7", new Json()))
        .containsEntry("TIERMOUNT_OUTPUTS_PATH", "/outputs/foo/run-7")
        .containsEntry("POLYAXON_RUN_OUTPUTS_PATH", "/outputs/foo/run-7")
        .containsEntry("TIERMOUNT_DATA_PATHS", "{\"data1\":\"/mnt/data1\"}")
        .containsEntry("POLYAXON_RUN_DATA_PATHS", "{\"data1\":\"/mnt/data1\"}");
    for (String wrong : List.of("../x", "a/b", "", ".", "..", "-x")) {
      assertThatThrownBy(() -> JobEnvironment.outputsPath(choice, wrong))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }
}
