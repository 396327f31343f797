package io.tiermount.fs.scope;

import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Where the scopes of one source lie: everything of ours in a bucket is below one of these
 * prefixes, and nothing else is.
 *
 * @param home {@code <org>/<cloud>/}, or {@code <org>/<cloud>/artifact_storage/} where everything
 *     else there belongs to somebody else
 */
public record ScopeLayout(String home) {
  public static final String CLUSTERS = "clusters/";
  public static final String USERS = "users/";
  public static final String SHARED = "shared/";

  /** One element of a key that no gateway takes for anything else. */
  private static final Pattern NAME = Pattern.compile("[^/<>\\p{Cntrl}]{1,128}");

  public ScopeLayout {
    if (!home.matches("([^/]+/)+") || home.contains("/../") || home.startsWith("../")) {
      throw new IllegalArgumentException("scopes lie below a prefix, not '" + home + "'");
    }
  }

  /**
   * One scope.
   *
   * @param name of the cluster or user; "" for the shared one
   * @param prefix of all its keys
   */
  public record Scope(ScopeKind kind, String name, String prefix) {}

  /**
   * A cluster's.
   *
   * @throws IllegalArgumentException where that is no name of one
   */
  public Scope cluster(String name) {
    return new Scope(ScopeKind.CLUSTER, name, home + CLUSTERS + checked(name) + "/");
  }

  /** A user's. */
  public Scope user(String name) {
    return new Scope(ScopeKind.USER, name, home + USERS + checked(name) + "/");
  }

  /** Everybody's. */
  public Scope shared() {
    return new Scope(ScopeKind.SHARED, "", home + SHARED);
  }

  /** The cluster whose prefix this is; empty for any other prefix. */
  public Optional<Scope> clusterAt(String prefix) {
    return nameIn(prefix, home + CLUSTERS).map(this::cluster);
  }

  /** The user whose prefix this is; empty for any other prefix. */
  public Optional<Scope> userAt(String prefix) {
    return nameIn(prefix, home + USERS).map(this::user);
  }

  private static Optional<String> nameIn(String prefix, String above) {
    if (!prefix.startsWith(above) || !prefix.endsWith("/") || prefix.length() <= above.length()) {
      return Optional.empty();
    }
    String name = prefix.substring(above.length(), prefix.length() - 1);
    return isName(name) ? Optional.of(name) : Optional.empty();
  }

  private static boolean isName(String name) {
    return NAME.matcher(name).matches() && !name.equals(".") && !name.equals("..");
  }

  private static String checked(String name) {
    if (!isName(name)) {
      throw new IllegalArgumentException(
          "'" + name + "' is no name of a cluster or user: one element of a path");
    }
    return name;
  }
}
