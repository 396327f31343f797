package io.tiermount.daemon.config;

import io.tiermount.fs.scope.ScopeKind;
import io.tiermount.fs.scope.ScopeLayout;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Which part of a source is mounted: a scope adds its prefix only below a source that names no path
 * of its own; {@code prefix} says it in so many words.
 */
final class PrefixRule {
  private static final Pattern PART = Pattern.compile("<([^<>]*)>");

  private final IdentityReader identity;

  PrefixRule(IdentityReader identity) {
    this.identity = identity;
  }

  /** Below the source's own path; null after reporting. */
  @Nullable String prefix(KeyReader mount, ScopeKind scope, SourceUrl source, boolean scoped) {
    String written = mount.readOrNull(MountKeys.PREFIX);
    if (written != null) {
      return isClean(mount, written) ? below(mount, source, SourceUrl.withSlash(written)) : null;
    }
    return source.namesPath() || !scoped
        ? source.prefix()
        : below(mount, source, scopePrefix(mount, scope));
  }

  /** Where the scopes of a mount's source lie; null for a mount that is not at its usual place. */
  @Nullable ScopeLayout layout(KeyReader mount, ScopeKind scope, SourceUrl source, boolean scoped) {
    boolean usual =
        scoped
            && scope != ScopeKind.LOCAL
            && !source.namesPath()
            && mount.readOrNull(MountKeys.PREFIX) == null;
    String home = usual ? below(mount, source, home(mount)) : null;
    return home == null ? null : new ScopeLayout(home);
  }

  private String home(KeyReader mount) {
    // Everything else below <org>/<cloud>/ belongs to Anyscale there.
    boolean anyscale =
        IdentityReader.isAnyscale(mount.node(MountKeys.SOURCE)) && identity.comesFromAnyscale();
    return anyscale ? "<org>/<cloud>/artifact_storage/" : "<org>/<cloud>/";
  }

  private String scopePrefix(KeyReader mount, ScopeKind scope) {
    return switch (scope) {
      case LOCAL -> "";
      case CLUSTER -> home(mount) + ScopeLayout.CLUSTERS + "<cluster>/";
      case USER -> home(mount) + ScopeLayout.USERS + "<user>/";
      case SHARED -> home(mount) + ScopeLayout.SHARED;
    };
  }

  private static boolean isClean(KeyReader mount, String written) {
    boolean clean =
        !written.startsWith("/")
            && written.indexOf('\0') < 0
            && !List.of(written.split("/", -1)).contains("..");
    if (!clean) {
      mount.wrongValue(
          MountKeys.PREFIX,
          "a path below the source: \"\" or \"team/data/\"",
          "no / in front, no ..");
    }
    return clean;
  }

  private @Nullable String below(KeyReader mount, SourceUrl source, String template) {
    StringBuilder prefix = new StringBuilder(source.prefix());
    Matcher matcher = PART.matcher(template);
    boolean complete = true;
    int end = 0;
    while (matcher.find()) {
      String part = matcher.group(1);
      String value = null;
      if (IdentityReader.names().contains(part)) {
        value = identity.require(part, mount.name());
      } else {
        mount.wrongValue(
            MountKeys.PREFIX,
            "in <>: one of " + String.join(", ", IdentityReader.names()),
            Nearest.to(part, IdentityReader.names())
                .map(known -> "did you mean <" + known + ">?")
                .orElse(""));
      }
      complete &= value != null;
      prefix.append(template, end, matcher.start()).append(value);
      end = matcher.end();
    }
    prefix.append(template.substring(end));
    return complete ? prefix.toString() : null;
  }
}
