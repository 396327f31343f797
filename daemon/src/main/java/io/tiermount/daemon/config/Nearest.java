package io.tiermount.daemon.config;

import java.util.Collection;
import java.util.Locale;
import java.util.Optional;

/** The known word that somebody probably meant. */
final class Nearest {
  private Nearest() {}

  /** The closest candidate by typing mistakes, if it is close enough to be a slip of the hand. */
  static Optional<String> to(String word, Collection<String> candidates) {
    String plain = plain(word);
    int limit = Math.max(1, Math.min(3, plain.length() / 3));
    String best = null;
    int bestDistance = limit + 1;
    for (String candidate : candidates) {
      int distance = distance(plain, plain(candidate));
      if (distance < bestDistance) {
        best = candidate;
        bestDistance = distance;
      }
    }
    return Optional.ofNullable(best);
  }

  private static String plain(String word) {
    return word.toLowerCase(Locale.ROOT).replace('-', '_');
  }

  /** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
  static int distance(String left, String right) {
    int[][] cost = new int[left.length() + 1][right.length() + 1];
    for (int i = 0; i <= left.length(); i++) {
      for (int j = 0; j <= right.length(); j++) {
        cost[i][j] = i == 0 || j == 0 ? i + j : step(cost, left, right, i, j);
      }
    }
    return cost[left.length()][right.length()];
  }

  private static int step(int[][] cost, String left, String right, int i, int j) {
    char a = left.charAt(i - 1);
    char b = right.charAt(j - 1);
    int best = Math.min(cost[i - 1][j], cost[i][j - 1]) + 1;
    best = Math.min(best, cost[i - 1][j - 1] + (a == b ? 0 : 1));
    boolean swapped =
        i > 1 && j > 1 && a == right.charAt(j - 2) && left.charAt(i - 2) == b && a != b;
    return swapped ? Math.min(best, cost[i - 2][j - 2] + 1) : best;
  }
}
