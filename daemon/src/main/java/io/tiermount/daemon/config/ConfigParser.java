package io.tiermount.daemon.config;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Configuration in, records out. A configuration that is wrong anywhere is refused whole, with
 * every error at once.
 *
 * <p>Files go through four steps: {@link ConfigFiles} finds them; {@link HoconDocument} and {@link
 * HoconResolver} merge, override and substitute them into a tree of {@link Node}s that knows no
 * syntax; {@link Schema} refuses unknown keys; {@link TreeReader} reads the tree. Another form that
 * people paste joins between the second and the third step, as a translation from tree to tree:
 * {@link ClearmlForm}.
 *
 * <p>Safe from any thread; reads files and asks the node for names, no network.
 */
public final class ConfigParser {
  private final Map<String, String> environment;
  private final NodeFacts node;

  /**
   * @param environment what substitutions and overrides come from
   */
  public ConfigParser(Map<String, String> environment, NodeFacts node) {
    this.environment = Map.copyOf(environment);
    this.node = node;
  }

  /**
   * {@code --config F}: files, and directories as in {@code TIERMOUNT_CONFIG_DIR}; later ones win.
   */
  public TiermountConfig parseFiles(List<Path> paths) throws InvalidConfigException {
    Problems problems = new Problems();
    return parse(ConfigFiles.given(paths, problems), problems).config();
  }

  /**
   * The files and directories whose change may mean another configuration.
   *
   * @param paths as for {@link #parseFiles}; empty for {@link #parseConfigured}
   */
  public List<Path> watched(List<Path> paths) {
    return ConfigFiles.watched(paths, environment);
  }

  /** What {@code TIERMOUNT_CONFIG_DIR} names; /etc/tiermount without it. */
  public TiermountConfig parseConfigured() throws InvalidConfigException {
    Problems problems = new Problems();
    return parse(ConfigFiles.configured(environment, problems), problems).config();
  }

  /**
   * One mount without a file: {@code tiermount mount SOURCE DIR -o KEY=VALUE,…}. What the node's
   * files say of the node as a whole (credentials, cache, identity) holds for it too; their mounts
   * are left aside.
   *
   * @param options each as it stands behind an {@code -o}
   */
  public TiermountConfig parseMount(String source, Path directory, List<String> options)
      throws InvalidConfigException {
    Problems problems = new Problems();
    List<HoconDocument.Setting> overrides =
        CommandLine.overrides(source, directory, options, problems);
    problems.throwIfAny();
    HoconDocument files = new HoconDocument();
    boolean named = CommandLine.sets(overrides, MountKeys.CREDENTIALS.path());
    for (ConfigFiles.Part part : ConfigFiles.ofNode(environment, named, problems)) {
      files.add(part, problems);
    }
    problems.throwIfAny();
    HoconDocument node = files.without(CommandLine.replaced(overrides));
    Node.Section before = HoconResolver.resolve(node, environment, new Problems());
    HoconDocument document =
        node.with(CommandLine.fromEnvironment(environment, before, problems)).with(overrides);
    return read(document, false, problems).config();
  }

  /**
   * Which settings of some files apply to URLs, and why; as {@link #parseFiles} reads them.
   *
   * @return one explanation for each URL, in their order
   */
  public List<Explanation> explain(List<Path> paths, List<String> urls)
      throws InvalidConfigException {
    Problems problems = new Problems();
    Explainer explainer = parse(ConfigFiles.given(paths, problems), problems).explainer();
    return urls.stream().map(explainer::explain).toList();
  }

  private TreeReader.Read parse(List<ConfigFiles.Part> parts, Problems problems)
      throws InvalidConfigException {
    HoconDocument document = new HoconDocument();
    for (ConfigFiles.Part part : parts) {
      document.add(part, problems);
    }
    // What is missing can't be told from what could not be read.
    problems.throwIfAny();
    Node.Section before = HoconResolver.resolve(document, environment, new Problems());
    if (before == null) {
      return read(document, true, problems);
    }
    return read(
        document.with(Overrides.fromEnvironment(environment, before, problems)), true, problems);
  }

  private TreeReader.Read read(HoconDocument document, boolean scopeRequired, Problems problems)
      throws InvalidConfigException {
    Node.Section tree = HoconResolver.resolve(document, environment, problems);
    if (tree == null) {
      problems.throwIfAny();
      throw new IllegalStateException("a tree that can't be substituted was not reported");
    }
    List<String> notices = new ArrayList<>();
    Node.Section ours = new ClearmlForm(document::isPasted, problems, notices).translate(tree);
    return new TreeReader(environment, node).read(ours, scopeRequired, notices, problems);
  }
}
