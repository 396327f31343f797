package io.tiermount.backends.os;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class AccountsTest {
  private final Accounts accounts = new Accounts();

  @Test
  void root_and_daemon_have_the_numbers_that_every_node_gives_them() {
    assertThat(accounts.uidOf("root")).hasValue(0);
    assertThat(accounts.gidOf("root")).hasValue(0);
    assertThat(accounts.uidOf("daemon")).hasValue(1);
    assertThat(accounts.gidOf("daemon")).hasValue(1);
  }

  @Test
  void an_unknown_name_has_no_number() {
    assertThat(accounts.uidOf("nobody-of-that-name")).isEmpty();
    assertThat(accounts.gidOf("")).isEmpty();
  }
}
