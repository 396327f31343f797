package io.tiermount.backends.s3.keys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tiermount.backends.strict.WebStandIn;
import io.tiermount.backends.strict.WebStandIn.Asked;
import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** C28 against a stand-in of the metadata server. */
final class SpotNoticeTest {
  @Test
  void c28_a_notice_is_there_once_the_metadata_server_has_an_action() throws Exception {
    try (WebStandIn metadata = WebStandIn.start()) {
      SpotNotice notice = notice(metadata);
      metadata.on("PUT /latest/api/token", "token-1");
      assertThat(notice.ask()).isEmpty();

      String action = "{\"action\":\"terminate\",\"time\":\"2026-01-02T03:04:05Z\"}";
      metadata.on(
          "GET /latest/meta-data/spot/instance-action",
          asked ->
              "token-1".equals(asked.headers().get("x-aws-ec2-metadata-token"))
                  ? Asked.answer(action)
                  : Asked.NONE);

      assertThat(notice.ask()).contains(action);
    }
  }

  @Test
  void c28_a_machine_without_a_metadata_server_says_so() throws Exception {
    try (WebStandIn metadata = WebStandIn.start()) {
      assertThatThrownBy(notice(metadata)::ask)
          .isInstanceOf(IOException.class)
          .hasMessageContaining("HTTP 404");
    }
  }

  private static SpotNotice notice(WebStandIn metadata) {
    return new SpotNotice(
        AwsEnvironment.of(Map.of("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url() + "/")));
  }
}
