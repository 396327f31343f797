package io.tiermount.daemon.admin;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import java.time.Instant;

/** Our JSON: snake_case names, times in ISO-8601 UTC. Immutable; safe from any thread. */
public final class Json {
  private final JsonMapper mapper =
      JsonMapper.builder()
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .addModule(new SimpleModule().addSerializer(Instant.class, ToStringSerializer.instance))
          .build();

  /** One line. */
  public String line(Object value) {
    try {
      return mapper.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("not representable as JSON: " + value.getClass(), e);
    }
  }

  /** Indented, for people and files. */
  public String pretty(Object value) {
    try {
      return mapper.writerWithDefaultPrettyPrinter().writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("not representable as JSON: " + value.getClass(), e);
    }
  }

  /** As a tree. */
  public JsonNode tree(Object value) {
    return mapper.valueToTree(value);
  }

  /** Text as a tree. */
  public JsonNode parse(String text) throws JsonProcessingException {
    return mapper.readTree(text);
  }

  /** Text as a record. */
  public <T> T parse(String text, Class<T> type) throws JsonProcessingException {
    return mapper.readValue(text, type);
  }
}
