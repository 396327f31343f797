package io.tiermount.daemon.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Sections of a ClearML server's configuration at their own paths, moved to ours: users, cookies
 * and origins of the admin page, the watchdog. What else stands beside them is the server's.
 */
final class ServerForm {
  /** Where they are pasted, and where they belong. */
  private static final Map<List<String>, List<String>> MOVED =
      Map.of(
          List.of("auth", "fixed_users"), List.of("admin", "auth", "fixed_users"),
          List.of("auth", "cookies"), List.of("admin", "auth", "cookies"),
          List.of("auth", "cors"), List.of("admin", "cors"),
          List.of("cors"), List.of("admin", "cors"),
          List.of("tasks", "non_responsive_tasks_watchdog"), List.of("watchdog"));

  /** Of the server alone. */
  private static final Set<String> ASIDE = Set.of("auth", "tasks");

  private static final String GUEST = "guest";

  private ServerForm() {}

  static Node.Section translate(Node.Section tree, List<String> notices, Problems problems) {
    Node.Section result = tree;
    TreeSet<String> aside = new TreeSet<>();
    for (Map.Entry<List<String>, List<String>> move : new java.util.TreeMap<>(named()).values()) {
      Node node = find(tree, move.getKey());
      if (node == null) {
        continue;
      }
      if (find(result, move.getValue()) != null) {
        problems.add(
            node.position(),
            String.join(".", move.getKey()),
            "a section that stands at " + String.join(".", move.getValue()) + " too",
            "one of the two",
            "");
      } else {
        result = with(result, move.getValue(), withoutGuest(node, aside), node.position());
      }
    }
    Map<String, Node> entries = new LinkedHashMap<>(result.entries());
    entries.remove("cors");
    for (String section : ASIDE) {
      Node node = entries.remove(section);
      if (node instanceof Node.Section inner) {
        inner.entries().keySet().stream()
            .filter(name -> !MOVED.containsKey(List.of(section, name)))
            .forEach(name -> aside.add(section + "." + name));
      } else if (node != null) {
        // Not what a server's file has: an unknown key as any other.
        entries.put(section, node);
      }
    }
    if (!aside.isEmpty()) {
      notices.add("left aside, for ClearML's server alone: " + String.join(", ", aside));
    }
    return new Node.Section(entries, tree.position());
  }

  /** In a fixed order, whatever the map's. */
  private static Map<String, Map.Entry<List<String>, List<String>>> named() {
    Map<String, Map.Entry<List<String>, List<String>>> named = new LinkedHashMap<>();
    MOVED.entrySet().forEach(entry -> named.put(String.join(".", entry.getKey()), entry));
    return named;
  }

  private static Node withoutGuest(Node node, Set<String> aside) {
    if (!(node instanceof Node.Section section) || !section.entries().containsKey(GUEST)) {
      return node;
    }
    Map<String, Node> entries = new LinkedHashMap<>(section.entries());
    entries.remove(GUEST);
    aside.add("auth.fixed_users." + GUEST);
    return new Node.Section(entries, section.position());
  }

  private static @Nullable Node find(Node.Section tree, List<String> path) {
    Node node = tree;
    for (String element : path) {
      Node next = node instanceof Node.Section section ? section.entries().get(element) : null;
      if (next == null) {
        return null;
      }
      node = next;
    }
    return node;
  }

  private static Node.Section with(
      Node.Section tree, List<String> path, Node node, Position position) {
    Map<String, Node> entries = new LinkedHashMap<>(tree.entries());
    String name = path.getFirst();
    if (path.size() == 1) {
      entries.put(name, node);
    } else {
      Node.Section inner =
          entries.get(name) instanceof Node.Section section
              ? section
              : new Node.Section(Map.of(), position);
      entries.put(name, with(inner, new ArrayList<>(path.subList(1, path.size())), node, position));
    }
    return new Node.Section(entries, tree.position());
  }
}
