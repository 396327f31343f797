package io.tiermount.daemon.config;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigList;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigRenderOptions;
import com.typesafe.config.ConfigResolveOptions;
import com.typesafe.config.ConfigResolver;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueFactory;
import com.typesafe.config.ConfigValueType;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Substitutes, and turns the result into a {@link Node} tree. It does so twice: once with the
 * environment's values, once with a marker for each variable in their place, so that the tree says
 * of each text which variables it is made of, also where they are undefined.
 */
final class HoconResolver {
  private static final char MARK = '\uFFF9';
  private static final char END = '\uFFFB';
  private static final Pattern MARKED = Pattern.compile(MARK + "([^" + END + "]*)" + END);
  private static final Pattern VARIABLE = Pattern.compile("[A-Z_][A-Z0-9_]*");
  private static final Pattern REQUIRED = Pattern.compile("\\$\\{([^?}][^}]*)}");

  private final HoconDocument document;
  private final Map<String, String> environment;
  private final Problems problems;

  private HoconResolver(
      HoconDocument document, Map<String, String> environment, Problems problems) {
    this.document = document;
    this.environment = environment;
    this.problems = problems;
  }

  /** Null after reporting what can't be substituted at all. */
  static Node.@Nullable Section resolve(
      HoconDocument document, Map<String, String> environment, Problems problems) {
    return new HoconResolver(document, environment, problems).tree();
  }

  private Node.@Nullable Section tree() {
    Config values;
    try {
      values = resolve(this::value);
    } catch (ConfigException e) {
      HoconErrors.resolving(e, document, problems);
      return null;
    }
    ConfigObject marks = null;
    try {
      marks = resolve(HoconResolver::mark).root();
    } catch (ConfigException e) {
      // A variable is joined with a section or a list: nothing is known of variables then.
      marks = null;
    }
    return section(values.root(), marks, List.of());
  }

  private Config resolve(Function<String, @Nullable ConfigValue> lookup) {
    return document
        .merged()
        .resolve(
            ConfigResolveOptions.noSystem()
                .setAllowUnresolved(true)
                .appendResolver(new Lookup(lookup)));
  }

  private @Nullable ConfigValue value(String name) {
    String value = environment.get(name);
    return value == null ? null : ConfigValueFactory.fromAnyRef(value, "environment " + name);
  }

  private static @Nullable ConfigValue mark(String name) {
    return VARIABLE.matcher(name).matches()
        ? ConfigValueFactory.fromAnyRef(MARK + name + END, "environment " + name)
        : null;
  }

  /** One function as the library's resolver. */
  private record Lookup(Function<String, @Nullable ConfigValue> values) implements ConfigResolver {
    @Override
    // The library asks for null where there is nothing; it has no annotations.
    @SuppressWarnings("NullAway")
    public ConfigValue lookup(String path) {
      return values.apply(path);
    }

    @Override
    public ConfigResolver withFallback(ConfigResolver fallback) {
      return this;
    }
  }

  private Node.Section section(
      ConfigObject object, @Nullable ConfigObject marks, List<String> path) {
    Map<String, Node> entries = new TreeMap<>();
    for (Map.Entry<String, ConfigValue> entry : object.entrySet()) {
      ConfigValue mark = marks == null ? null : marks.get(entry.getKey());
      entries.put(entry.getKey(), node(entry.getValue(), mark, child(path, entry.getKey())));
    }
    if (marks != null) {
      for (Map.Entry<String, ConfigValue> entry : marks.entrySet()) {
        Set<String> variables = variables(text(entry.getValue()));
        if (!entries.containsKey(entry.getKey()) && !variables.isEmpty()) {
          Position at = document.position(child(path, entry.getKey()), entry.getValue().origin());
          entries.put(entry.getKey(), new Node.Absent(undefined(variables), at));
        }
      }
    }
    return new Node.Section(new LinkedHashMap<>(entries), document.position(path, object.origin()));
  }

  private Node node(ConfigValue value, @Nullable ConfigValue mark, List<String> path) {
    Position at = document.position(path, value.origin());
    ConfigValueType type;
    try {
      type = value.valueType();
    } catch (ConfigException.NotResolved e) {
      return unresolved(value, path, at);
    }
    return switch (type) {
      case OBJECT ->
          object((ConfigObject) value, mark instanceof ConfigObject o ? o : null, path, at);
      case LIST -> items((ConfigList) value, mark instanceof ConfigList l ? l : null, path, at);
      case NULL -> new Node.Absent(Set.of(), at);
      case BOOLEAN, NUMBER, STRING -> scalar(value, type, mark, at);
    };
  }

  private Node object(
      ConfigObject value, @Nullable ConfigObject mark, List<String> path, Position at) {
    try {
      return section(value, mark, path);
    } catch (ConfigException.NotResolved e) {
      return unresolved(value, path, at);
    }
  }

  private Node items(ConfigList list, @Nullable ConfigList marks, List<String> path, Position at) {
    boolean aligned = marks != null && marks.size() == list.size();
    List<Node> items = new ArrayList<>();
    for (int i = 0; i < list.size(); i++) {
      ConfigValue mark = aligned && marks != null ? marks.get(i) : null;
      items.add(node(list.get(i), mark, child(path, "[" + i + "]")));
    }
    return new Node.Items(items, at);
  }

  private Node scalar(
      ConfigValue value, ConfigValueType type, @Nullable ConfigValue mark, Position at) {
    String text = text(value);
    String marked = mark == null ? "" : text(mark);
    Set<String> variables = variables(marked);
    // An earlier value that an undefined one would have replaced is not made of that variable.
    boolean same = filledIn(marked).equals(text);
    return new Node.Scalar(
        text,
        type == ConfigValueType.STRING,
        same ? variables : Set.of(),
        same ? undefined(variables) : Set.of(),
        at);
  }

  private static String text(ConfigValue value) {
    try {
      return switch (value.valueType()) {
        // As written: 0750 stays 0750.
        case STRING, NUMBER, BOOLEAN -> value.atKey("v").getString("v");
        case OBJECT, LIST, NULL -> "";
      };
    } catch (ConfigException.NotResolved e) {
      return "";
    }
  }

  private static Set<String> variables(String marked) {
    Set<String> names = new TreeSet<>();
    Matcher matcher = MARKED.matcher(marked);
    while (matcher.find()) {
      names.add(matcher.group(1));
    }
    return names;
  }

  private String filledIn(String marked) {
    return MARKED
        .matcher(marked)
        .replaceAll(m -> Matcher.quoteReplacement(environment.getOrDefault(m.group(1), "")));
  }

  private Set<String> undefined(Set<String> variables) {
    Set<String> undefined = new TreeSet<>(variables);
    undefined.removeIf(name -> !environment.getOrDefault(name, "").isEmpty());
    return undefined;
  }

  private Node unresolved(ConfigValue value, List<String> path, Position at) {
    Set<String> names = new TreeSet<>();
    Matcher matcher = REQUIRED.matcher(value.render(ConfigRenderOptions.concise()));
    while (matcher.find()) {
      if (!environment.containsKey(matcher.group(1))) {
        names.add(matcher.group(1));
      }
    }
    problems.add(
        at,
        String.join(".", path),
        names.isEmpty()
            ? "a substitution of something undefined"
            : Undefined.names(names) + " not defined",
        "a key of the configuration or a variable of the environment",
        names.size() == 1 ? "where it may be missing: ${?" + names.iterator().next() + "}" : "");
    return new Node.Broken(at);
  }

  private static List<String> child(List<String> path, String name) {
    List<String> child = new ArrayList<>(path);
    child.add(name);
    return List.copyOf(child);
  }
}
