package io.tiermount.daemon.admin;

import com.fasterxml.jackson.annotation.JsonAnyGetter;
import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A mount as {@code status --json} shows it.
 *
 * @param state starting, ready, degraded, stopping, failed, skipped
 * @param reason why it is in that state, with what to do; null where there is nothing to say
 * @param since when the state began
 * @param transport bind, dev or libfuse; null while there is none
 * @param passthroughOff why passthrough is off; null where it is on
 * @param counters shown beside the other fields
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record MountReport(
    String name,
    String path,
    String source,
    String scope,
    String state,
    @Nullable String reason,
    Instant since,
    @Nullable String transport,
    boolean passthrough,
    @Nullable String passthroughOff,
    @JsonAnyGetter Map<String, Object> counters) {}
