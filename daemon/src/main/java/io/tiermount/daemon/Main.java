package io.tiermount.daemon;

/** The program. */
public final class Main {
  private Main() {}

  /** Starts a command. */
  public static void main(String[] args) {
    System.out.println("tiermount 0.1.0");
  }
}
