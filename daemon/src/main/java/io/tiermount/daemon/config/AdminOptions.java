package io.tiermount.daemon.config;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The admin page.
 *
 * @param http null: none
 * @param users empty: nobody is asked who it is
 */
public record AdminOptions(@Nullable Http http, List<User> users, Cookies cookies, Cors cors) {
  /** No page. */
  public static final AdminOptions NONE =
      new AdminOptions(null, List.of(), new Cookies(true, false, null, 86_400), Cors.NONE);

  public AdminOptions {
    users = List.copyOf(users);
  }

  /**
   * Where it listens.
   *
   * @param port 0 for any that is free
   */
  public record Http(String host, int port) {}

  /**
   * One who may look.
   *
   * @param password as it is, or a bcrypt hash
   */
  public record User(String username, String password, boolean hashed, String name) {
    /** Without the password. */
    @Override
    public String toString() {
      return "User[" + username + "]";
    }
  }

  /** How the session's cookie is set. */
  public record Cookies(
      boolean httpOnly, boolean secure, @Nullable String domain, long maxAgeSeconds) {}

  /**
   * Which other pages may read this one.
   *
   * @param origins "*" alone for all
   */
  public record Cors(List<String> origins, boolean supportsCredentials) {
    /** None. */
    public static final Cors NONE = new Cors(List.of(), false);

    public Cors {
      origins = List.copyOf(origins);
    }
  }
}
