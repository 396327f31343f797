package io.tiermount.daemon;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.OutputStreamAppender;
import ch.qos.logback.core.rolling.FixedWindowRollingPolicy;
import ch.qos.logback.core.rolling.RollingFileAppender;
import ch.qos.logback.core.rolling.SizeBasedTriggeringPolicy;
import ch.qos.logback.core.util.FileSize;
import io.tiermount.daemon.config.LogLevels;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where the daemon's log goes: standard error, or the file {@code TIERMOUNT_LOG_FILE} (three older
 * ones of 16 MiB are kept). {@code TIERMOUNT_LOG} sets levels: {@code debug}, or {@code
 * info,io.tiermount.fs=trace}. Commands keep the packaged logback.xml: warnings only.
 */
final class DaemonLog {
  private static final String PATTERN =
      "%d{\"yyyy-MM-dd'T'HH:mm:ss.SSS'Z'\", UTC} %-5level [%thread] %logger{24}: %msg%n";
  private static final long FILE_BYTES = 16L << 20;
  private static final int OLDER_FILES = 3;

  private DaemonLog() {}

  /** Replaces whatever was configured before. Call once, before the first thread is started. */
  static void configure(Map<String, String> environment) {
    if (!(LoggerFactory.getILoggerFactory() instanceof LoggerContext context)) {
      return;
    }
    context.reset();
    String file = environment.getOrDefault("TIERMOUNT_LOG_FILE", "");
    PatternLayoutEncoder encoder = new PatternLayoutEncoder();
    encoder.setContext(context);
    encoder.setPattern(PATTERN);
    encoder.start();
    OutputStreamAppender<ILoggingEvent> appender =
        file.isEmpty() ? console() : rolling(file, context);
    appender.setContext(context);
    appender.setEncoder(encoder);
    appender.start();
    ch.qos.logback.classic.Logger root = context.getLogger(Logger.ROOT_LOGGER_NAME);
    root.addAppender(appender);
    reset(context);
    for (String part : environment.getOrDefault("TIERMOUNT_LOG", "").split(",", -1)) {
      int equals = part.indexOf('=');
      String logger = equals < 0 ? Logger.ROOT_LOGGER_NAME : part.substring(0, equals).strip();
      String level = part.substring(equals + 1).strip();
      if (!level.isEmpty()) {
        context.getLogger(logger).setLevel(Level.toLevel(level, Level.INFO));
      }
    }
  }

  private static void reset(LoggerContext context) {
    context
        .getLoggerList()
        .forEach(logger -> {
          if (!logger.getName().equals(Logger.ROOT_LOGGER_NAME)) {
            logger.setLevel(null);
          }
        });
    context.getLogger(Logger.ROOT_LOGGER_NAME).setLevel(Level.INFO);
    // Chatty, and at DEBUG it logs request headers: only when asked for by name.
    context.getLogger("software.amazon.awssdk").setLevel(Level.WARN);
    context.getLogger("io.netty").setLevel(Level.WARN);
  }

  /** The levels of a configuration, instead of the environment's. */
  static void levels(LogLevels levels) {
    if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
      reset(context);
      levels
          .levels()
          .forEach((logger, level) ->
              context
                  .getLogger(logger.isEmpty() ? Logger.ROOT_LOGGER_NAME : logger)
                  .setLevel(Level.toLevel(level, Level.INFO)));
    }
  }

  private static OutputStreamAppender<ILoggingEvent> console() {
    ConsoleAppender<ILoggingEvent> appender = new ConsoleAppender<>();
    appender.setTarget("System.err");
    return appender;
  }

  private static OutputStreamAppender<ILoggingEvent> rolling(String file, LoggerContext context) {
    RollingFileAppender<ILoggingEvent> appender = new RollingFileAppender<>();
    appender.setFile(file);
    FixedWindowRollingPolicy rolling = new FixedWindowRollingPolicy();
    rolling.setContext(context);
    rolling.setParent(appender);
    rolling.setFileNamePattern(file + ".%i");
    rolling.setMinIndex(1);
    rolling.setMaxIndex(OLDER_FILES);
    rolling.start();
    SizeBasedTriggeringPolicy<ILoggingEvent> trigger = new SizeBasedTriggeringPolicy<>();
    trigger.setContext(context);
    trigger.setMaxFileSize(new FileSize(FILE_BYTES));
    trigger.start();
    appender.setRollingPolicy(rolling);
    appender.setTriggeringPolicy(trigger);
    return appender;
  }
}
