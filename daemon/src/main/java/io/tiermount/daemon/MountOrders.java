package io.tiermount.daemon;

import io.tiermount.daemon.admin.AdminApi.MountOrder;
import io.tiermount.daemon.admin.AdminException;
import io.tiermount.daemon.config.MountConfig;

/** Turns a mount command's words into a mount's configuration. */
@FunctionalInterface
interface MountOrders {
  /**
   * @throws AdminException {@code BAD_CONFIG} with everything that is wrong with it
   */
  MountConfig mount(MountOrder order) throws AdminException;
}
