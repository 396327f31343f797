package io.tiermount.daemon.config;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import org.jspecify.annotations.Nullable;

/**
 * A YAML file as a tree, its sections in the order of the file. Of YAML's own inventions anchors
 * are read over and aliases are refused: the parser would hand out their names as texts.
 *
 * <p>The parser is Jackson's for YAML, found as Jackson itself finds formats: no class of it is
 * named here, so that commands which read no YAML load none of it.
 */
final class YamlTree {
  private static final String WHAT = "a YAML file";
  private static final long MAX_FILE_BYTES = 8L << 20;

  private final String text;
  private final Path file;
  private final JsonParser parser;
  private final Problems problems;

  private YamlTree(String text, Path file, JsonParser parser, Problems problems) {
    this.text = text;
    this.file = file;
    this.parser = parser;
    this.problems = problems;
  }

  /** Null after reporting. */
  static Node.@Nullable Section read(Path file, Problems problems) {
    Position top = new Position(file.toString(), 0);
    try {
      if (Files.size(file) > MAX_FILE_BYTES) {
        problems.add(top, "", "a file of more than 8 MiB", WHAT, "");
        return null;
      }
      String text = Files.readString(file);
      try (JsonParser parser = yaml().createParser(text)) {
        YamlTree tree = new YamlTree(text, file, parser, problems);
        parser.nextToken();
        Node root = tree.node("");
        if (root instanceof Node.Section section && parser.nextToken() == null) {
          return section;
        }
        problems.add(
            root instanceof Node.Section ? tree.here() : top,
            "",
            root instanceof Node.Section ? "a second document" : Found.text(root, false),
            "one document of sections, as in a chart's values.yaml",
            "");
      }
    } catch (JsonProcessingException e) {
      int line = e.getLocation() == null ? 0 : e.getLocation().getLineNr();
      // The parser's own words quote the file, in which there may be secrets.
      problems.add(
          new Position(file.toString(), Math.max(0, line)),
          "",
          "something that is not YAML",
          WHAT,
          "look at this line and the one above it: indentation, a missing colon, an open quote");
    } catch (MalformedInputException e) {
      problems.add(top, "", "a file that is not UTF-8", WHAT, "");
    } catch (IOException e) {
      problems.add(
          top, "", "a file that can't be read (" + e.getClass().getSimpleName() + ")", WHAT, "");
    }
    return null;
  }

  private static JsonFactory yaml() {
    return ServiceLoader.load(JsonFactory.class).stream()
        .map(ServiceLoader.Provider::get)
        .filter(factory -> factory.getFormatName().equals("YAML"))
        .findFirst()
        .orElseThrow(
            () -> new IllegalStateException("the program's YAML library is missing: reinstall it"));
  }

  /** Reads what the current token begins; ends on its last one. */
  private Node node(String path) throws IOException {
    Position at = here();
    JsonToken token = parser.currentToken();
    return switch (token) {
      case START_OBJECT -> section(path, at);
      case START_ARRAY -> items(path, at);
      case VALUE_STRING -> string(path, at);
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT, VALUE_TRUE, VALUE_FALSE ->
          new Node.Scalar(parser.getText(), false, java.util.Set.of(), java.util.Set.of(), at);
      case null -> new Node.Absent(java.util.Set.of(), at);
      case VALUE_NULL -> new Node.Absent(java.util.Set.of(), at);
      case NOT_AVAILABLE, END_OBJECT, END_ARRAY, FIELD_NAME, VALUE_EMBEDDED_OBJECT ->
          throw new IllegalStateException("unexpected " + token);
    };
  }

  private Node.Section section(String path, Position at) throws IOException {
    Map<String, Node> entries = new LinkedHashMap<>();
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String name = parser.currentName();
      String child = KeyReader.join(path, name);
      Position where = here();
      parser.nextToken();
      Node node = node(child);
      // A section is where its name stands, not where its first key does.
      Node placed =
          node instanceof Node.Section inner ? new Node.Section(inner.entries(), where) : node;
      if (entries.put(name, placed) != null) {
        problems.add(where, child, "a second " + Found.text(name), "one of each name", "");
      }
    }
    return new Node.Section(entries, at);
  }

  private Node items(String path, Position at) throws IOException {
    List<Node> items = new ArrayList<>();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      items.add(node(path + "[" + items.size() + "]"));
    }
    return new Node.Items(items, at);
  }

  private Node string(String path, Position at) throws IOException {
    long offset = parser.currentTokenLocation().getCharOffset();
    // No plain text begins with *: YAML 1.1, 5.3.
    if (offset >= 0 && offset < text.length() && text.charAt((int) offset) == '*') {
      problems.add(
          at,
          path,
          "an alias (" + Found.text("*" + parser.getText()) + ")",
          "a value",
          "write it out");
      return new Node.Broken(at);
    }
    return new Node.Scalar(parser.getText(), at);
  }

  private Position here() {
    return new Position(file.toString(), Math.max(0, parser.currentTokenLocation().getLineNr()));
  }
}
