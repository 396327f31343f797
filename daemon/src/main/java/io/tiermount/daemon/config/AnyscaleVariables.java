package io.tiermount.daemon.config;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The variables of an Anyscale node that name its storage. */
public final class AnyscaleVariables {
  static final String BUCKET = "ANYSCALE_CLOUD_STORAGE_BUCKET";
  static final String REGION = "ANYSCALE_CLOUD_STORAGE_BUCKET_REGION";
  static final String ARTIFACTS = "ANYSCALE_ARTIFACT_STORAGE";

  private AnyscaleVariables() {}

  /** Those that are set, as jobs read them. */
  public static Map<String, String> of(Map<String, String> environment) {
    Map<String, String> variables = new TreeMap<>();
    for (String name : List.of(BUCKET, REGION, ARTIFACTS)) {
      String value = environment.getOrDefault(name, "");
      if (!value.isEmpty()) {
        variables.put(name, value);
      }
    }
    return variables;
  }
}
