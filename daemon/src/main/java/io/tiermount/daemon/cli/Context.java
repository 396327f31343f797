package io.tiermount.daemon.cli;

import io.tiermount.daemon.admin.Json;
import io.tiermount.daemon.admin.RunDirectory;
import java.io.PrintWriter;
import java.util.Map;

/**
 * What every command is given.
 *
 * @param terminal standard error is a terminal: progress may be shown
 */
public record Context(
    Program program,
    RunDirectory runDirectory,
    Json json,
    Map<String, String> environment,
    PrintWriter out,
    PrintWriter err,
    boolean terminal) {}
