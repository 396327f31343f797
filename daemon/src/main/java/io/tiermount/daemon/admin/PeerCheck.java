package io.tiermount.daemon.admin;

import io.netty.channel.Channel;
import io.netty.channel.socket.nio.NioChannelOption;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import jdk.net.ExtendedSocketOptions;
import jdk.net.UnixDomainPrincipal;

/**
 * Who may speak to the daemon: root and the daemon's own user (SO_PEERCRED, unix(7)). The socket's
 * mode says the same; this holds where somebody changed it.
 */
final class PeerCheck {
  private final UserPrincipal self;
  private final UserPrincipal root;

  /**
   * @param ownFile a file that this process made
   */
  PeerCheck(Path ownFile) throws IOException {
    self = Files.getOwner(ownFile);
    root = ownFile.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName("root");
  }

  boolean allowed(Channel channel) {
    UnixDomainPrincipal peer =
        channel.config().getOption(NioChannelOption.of(ExtendedSocketOptions.SO_PEERCRED));
    return peer != null && (peer.user().equals(self) || peer.user().equals(root));
  }
}
