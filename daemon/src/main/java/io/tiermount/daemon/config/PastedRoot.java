package io.tiermount.daemon.config;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigValue;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A clearml.conf as it stands has its sections below {@code sdk}, and {@code api} and {@code agent}
 * beside it; people also paste the sections without that root. Either way they are at the root for
 * whoever reads them.
 */
final class PastedRoot {
  static final String SDK = "sdk";

  /**
   * Ours: what a file for root alone, {@code secure.conf}, holds counts as if it were at the root.
   */
  static final String SECURE = "secure";

  /** Sections that no file of ours has by itself. */
  private static final Set<String> ITS_OWN =
      Set.of(SDK, "aws", "azure", "google", "network", "api", "agent", "development");

  private PastedRoot() {}

  /** True for a section whose content counts as if it were at the root. */
  static boolean isRoot(String section) {
    return section.equals(SDK) || section.equals(SECURE);
  }

  /** True for a file with sections of ClearML's: bare numbers in it are what they are there. */
  static boolean isPasted(ConfigObject root) {
    return root.keySet().stream().anyMatch(ITS_OWN::contains);
  }

  /**
   * The same with what is below {@code sdk} and {@code secure} at the root too; they stay, since
   * substitutions name their targets by them.
   */
  static Config lifted(Config parsed, String file, Problems problems) {
    Config lifted = lifted(SDK, parsed, file, problems);
    return lifted(SECURE, lifted, file, problems);
  }

  private static Config lifted(String name, Config parsed, String file, Problems problems) {
    if (!(parsed.root().get(name) instanceof ConfigObject section)) {
      return parsed;
    }
    List<List<String>> twice = new ArrayList<>();
    compare(section, parsed.root(), List.of(), twice);
    for (List<String> path : twice) {
      String key = String.join(".", path);
      problems.add(
          HoconErrors.position(at(section, path).origin(), new Position(file, 0)),
          name + "." + key,
          "a key that stands at " + key + " too",
          "one of the two",
          "what is below " + name + " counts as if it were at the root");
    }
    return section.toConfig().withFallback(parsed);
  }

  /** The paths of values that stand below both. */
  private static void compare(
      ConfigObject one, ConfigObject other, List<String> path, List<List<String>> twice) {
    for (Map.Entry<String, ConfigValue> entry : entries(one)) {
      ConfigValue there = valueOf(other, entry.getKey());
      if (there == null) {
        continue;
      }
      List<String> child = new ArrayList<>(path);
      child.add(entry.getKey());
      if (entry.getValue() instanceof ConfigObject inner && there instanceof ConfigObject outer) {
        compare(inner, outer, child, twice);
      } else {
        twice.add(child);
      }
    }
  }

  private static ConfigValue at(ConfigObject root, List<String> path) {
    ConfigValue value = root;
    for (String element : path) {
      ConfigValue next = value instanceof ConfigObject object ? object.get(element) : null;
      if (next == null) {
        return value;
      }
      value = next;
    }
    return value;
  }

  private static @Nullable ConfigValue valueOf(ConfigObject object, String key) {
    return object.get(key);
  }

  private static Set<Map.Entry<String, ConfigValue>> entries(ConfigObject object) {
    try {
      return object.entrySet();
    } catch (ConfigException.NotResolved e) {
      // Merged with a substitution: what it holds is known later, and then the later one wins.
      return Set.of();
    }
  }
}
