package io.tiermount.daemon.config;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigList;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigOrigin;
import com.typesafe.config.ConfigOriginFactory;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigSyntax;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueFactory;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** HOCON files parsed and merged, before substitution. One thread. */
final class HoconDocument {
  /** Where each path was last written: substitution loses the line of what it replaces. */
  private final Map<List<String>, Position> positions = new HashMap<>();

  private static final Position NOWHERE = new Position("", 0);

  private final Set<String> pasted = new HashSet<>();
  private Config merged = ConfigFactory.empty();

  /**
   * A value that wins over every file.
   *
   * @param path its elements
   * @param from where it comes from, for messages
   */
  record Setting(List<String> path, ConfigValue value, String from) {
    /** A string as it is. */
    static Setting ofText(List<String> path, String text, String from) {
      return new Setting(path, ConfigValueFactory.fromAnyRef(text, from), from);
    }

    /** JSON first, then a string. */
    static Setting ofJson(List<String> path, String text, String from) {
      try {
        // The library's parser keeps numbers as they are written, and costs no second one's start.
        ConfigList list =
            ConfigFactory.parseString(
                    "{\"value\":[" + text + "]}",
                    ConfigParseOptions.defaults()
                        .setSyntax(ConfigSyntax.JSON)
                        .setOriginDescription(from))
                .getList("value");
        return list.size() == 1
            ? new Setting(
                path, list.getFirst().withOrigin(ConfigOriginFactory.newSimple(from)), from)
            : ofText(path, text, from);
      } catch (ConfigException e) {
        return ofText(path, text, from);
      }
    }
  }

  /** Adds a file, which wins over those before it. */
  void add(ConfigFiles.Part part, Problems problems) {
    Config parsed;
    try {
      parsed =
          ConfigFactory.parseFile(
              part.path().toFile(),
              ConfigParseOptions.defaults()
                  .setSyntax(ConfigSyntax.CONF)
                  .setAllowMissing(false)
                  .setOriginDescription(part.path().toString()));
    } catch (ConfigException e) {
      HoconErrors.parsing(e, part.path().toString(), problems);
      return;
    }
    if (!part.section().isEmpty()) {
      if (parsed.root().size() == 1 && parsed.root().containsKey(part.section())) {
        problems.add(
            HoconErrors.position(parsed.root().origin(), new Position(part.path().toString(), 1)),
            part.section(),
            "a section " + part.section() + " within itself",
            "the section's keys: the file's name says already which section it is",
            "leave " + part.section() + " { … } around them out");
        return;
      }
      parsed = parsed.atPath(part.section());
    }
    if (PastedRoot.isPasted(parsed.root())) {
      pasted.add(part.path().toString());
    }
    parsed = PastedRoot.lifted(parsed, part.path().toString(), problems);
    notePositions(parsed.root(), List.of(), new Position(part.path().toString(), 0));
    merged = parsed.withFallback(merged);
  }

  /** True for the files that hold sections of a clearml.conf. */
  boolean isPasted(String file) {
    return pasted.contains(file);
  }

  /** The same with some values replaced; this document is unchanged. */
  HoconDocument with(List<Setting> settings) {
    HoconDocument result = new HoconDocument();
    result.positions.putAll(positions);
    result.pasted.addAll(pasted);
    result.merged = merged;
    for (Setting setting : settings) {
      Config one = setting.value().atPath(ConfigUtil.joinPath(setting.path()));
      result.notePosition(setting);
      result.merged = one.withFallback(result.merged);
    }
    return result;
  }

  /** The same without some sections or keys; this document is unchanged. */
  HoconDocument without(List<String> paths) {
    HoconDocument result = new HoconDocument();
    result.positions.putAll(positions);
    result.pasted.addAll(pasted);
    result.merged = merged;
    for (String path : paths) {
      result.merged = result.merged.withoutPath(path);
    }
    return result;
  }

  Config merged() {
    return merged;
  }

  /** Where a path is written, or what contains it. */
  Position position(List<String> path, ConfigOrigin origin) {
    Position exact = positions.get(path);
    if (exact != null) {
      return exact;
    }
    Position container = container(path);
    Position own = HoconErrors.position(origin, NOWHERE);
    // What comes from a single value has no lines.
    boolean lines =
        own.line() > 0 && !(container.line() == 0 && container.file().equals(own.file()));
    return lines ? own : container;
  }

  private Position container(List<String> path) {
    List<String> above = path;
    while (!above.isEmpty()) {
      above = above.subList(0, above.size() - 1);
      Position container = positions.get(above);
      if (container != null) {
        return container;
      }
    }
    return NOWHERE;
  }

  /** The key that stands at a place; "" where none is known to. */
  String keyAt(Position place) {
    return positions.entrySet().stream()
        .filter(entry -> entry.getValue().equals(place))
        .map(entry -> String.join(".", entry.getKey()))
        .max(Comparator.comparingInt(String::length).thenComparing(Comparator.naturalOrder()))
        .orElse("");
  }

  private void notePosition(Setting setting) {
    Position from = new Position(setting.from(), 0);
    List<String> path = setting.path();
    positions
        .keySet()
        .removeIf(
            known -> known.size() > path.size() && path.equals(known.subList(0, path.size())));
    positions.put(path, from);
    for (int length = 0; length < path.size(); length++) {
      positions.putIfAbsent(List.copyOf(path.subList(0, length)), from);
    }
  }

  private void notePositions(ConfigObject object, List<String> path, Position container) {
    Position here = HoconErrors.position(object.origin(), container);
    positions.put(path, here);
    for (Map.Entry<String, ConfigValue> entry : entries(object)) {
      List<String> child = new ArrayList<>(path);
      child.add(entry.getKey());
      if (entry.getValue() instanceof ConfigObject inner) {
        notePositions(inner, List.copyOf(child), here);
      } else {
        positions.put(List.copyOf(child), HoconErrors.position(entry.getValue().origin(), here));
      }
    }
  }

  private static Iterable<Map.Entry<String, ConfigValue>> entries(ConfigObject object) {
    try {
      return object.entrySet();
    } catch (ConfigException.NotResolved e) {
      // A section that is merged with a substitution: its keys are known after that.
      return List.of();
    }
  }
}
