package io.tiermount.daemon;

import java.util.Map;

/** Nothing outlives the process: at its end it unmounts, and after a kill its mounts are dead. */
final class NoStore implements DescriptorStore {
  @Override
  public boolean survives() {
    return false;
  }

  @Override
  public boolean follows() {
    return false;
  }

  @Override
  public Map<String, Integer> kept() {
    return Map.of();
  }

  @Override
  public void put(String name, int fd) {}

  @Override
  public void remove(String name) {}

  @Override
  public void ready() {}

  @Override
  public void end() {}
}
