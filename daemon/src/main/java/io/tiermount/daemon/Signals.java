package io.tiermount.daemon;

import java.lang.reflect.Proxy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Signals that mean different ends: the JVM's shutdown hooks can't tell them apart. */
final class Signals {
  private static final Logger log = LoggerFactory.getLogger(Signals.class);

  private Signals() {}

  /** Runs an action on a thread of its own at SIGTERM, instead of the shutdown hooks. */
  static void onTerminate(Runnable action) {
    on("TERM", "terminate", action);
  }

  /** The same at each SIGHUP. */
  static void onHangup(Runnable action) {
    on("HUP", "reload", action);
  }

  /**
   * By reflection: jdk.unsupported exports sun.misc.Signal, and the compiler warns of it all the
   * same.
   */
  private static void on(String name, String thread, Runnable action) {
    try {
      Class<?> signal = Class.forName("sun.misc.Signal");
      Class<?> handler = Class.forName("sun.misc.SignalHandler");
      Object ours =
          Proxy.newProxyInstance(
              handler.getClassLoader(),
              new Class<?>[] {handler},
              (_, method, arguments) -> {
                if (!method.getName().equals("handle")) {
                  return method.invoke(action, arguments);
                }
                Thread _ = Thread.ofPlatform().name(thread).start(action);
                return null;
              });
      signal
          .getMethod("handle", signal, handler)
          .invoke(null, signal.getConstructor(String.class).newInstance(name), ours);
    } catch (ReflectiveOperationException e) {
      log.warn("SIG{} stops the daemon and unmounts: this JVM lets nobody handle signals", name, e);
    }
  }
}
