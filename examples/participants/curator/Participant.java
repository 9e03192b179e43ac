import com.google.gson.*;
import java.io.*;
import java.util.*;
import java.util.regex.*;
import java.util.stream.*;
import org.apache.curator.framework.*;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.retry.RetryForever;

/** A lock holder for Riven on Curator's InterProcessMutex: one JSON object a line (docs/participant-protocol.md). */
public class Participant {
  static class Mutex extends InterProcessMutex {
    Mutex(CuratorFramework client) { super(client, "/lock"); }
    String path() { return getLockPath(); }
  }
  record Hold(String name, long token, Mutex lock) {}

  static final BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
  static final Map<String, String> names = new HashMap<>(); // of servers, by address
  static CuratorFramework client;
  static String incarnation;
  static volatile Hold held;
  static final Deque<Mutex> left = new ArrayDeque<>(); // given up, whose nodes may still be there
  static long holds, accesses;

  static synchronized void say(String type, Object... members) {
    JsonObject o = new JsonObject();
    o.addProperty("type", type);
    for (int i = 0; i < members.length; i += 2) {
      String name = (String) members[i];
      if (members[i + 1] instanceof Number n) o.addProperty(name, n); else o.addProperty(name, "" + members[i + 1]);
    }
    System.out.println(o);
    System.out.flush();
  }

  static JsonObject hear() throws IOException {
    for (String line; (line = in.readLine()) != null; ) {
      JsonObject o = JsonParser.parseString(line).getAsJsonObject();
      if (!o.get("type").getAsString().equals("order")) return o;
      say("unsupported", "key", o.get("key").getAsString(), "text", "Curator's connection is its own");
    }
    System.exit(0);
    return null;
  }

  static long number(JsonObject o, String name) { return o.has(name) ? o.get(name).getAsLong() : 0; }

  /** What the connection's state means; called by Curator's own thread. */
  static synchronized void believe(boolean connected, boolean dead) {
    if (connected) {
      try {
        var zk = client.getZookeeperClient().getZooKeeper();
        Matcher m = Pattern.compile("remoteserver:[^/]*/([0-9.]+:[0-9]+)").matcher(zk.toString());
        say("note", "f", "connected", "token", zk.getSessionId(), "text", m.find() ? names.getOrDefault(m.group(1), "") : "");
      } catch (Exception e) {
        System.err.println(e);
      }
      return;
    }
    say("note", "f", dead ? "expired" : "suspended");
    if (held != null) { // Curator's advice: from now on somebody else may hold
      say("note", "f", "lost", "hold", held.name, "token", held.token);
      left.add(held.lock);
      held = null;
    }
  }

  static void clean() throws Exception { // else a node of our own keeps everybody waiting
    for (Mutex m; (m = left.peek()) != null; left.remove())
      if (m.isOwnedByCurrentThread()) m.release();
  }

  static void acquire(long id) throws Exception {
    clean();
    Mutex m = new Mutex(client);
    m.acquire();
    var stat = client.checkExists().forPath(m.path());
    if (stat == null) { // the session it belonged to is over
      left.add(m);
      clean();
      say("fail", "id", id, "error", "the node of the lock is gone");
      return;
    }
    held = new Hold(incarnation + "/" + ++holds, stat.getCzxid(), m);
    say("ok", "id", id, "hold", held.name, "token", held.token);
  }

  static void work(long id, long ms) throws Exception {
    Hold mine = held;
    if (mine == null) { say("fail", "id", id, "error", "not held"); return; }
    long done = 0, end = System.nanoTime() + ms * 1_000_000;
    while (held == mine) {
      accesses++;
      say("access", "id", accesses, "key", "register", "hold", mine.name, "token", mine.token, "n", accesses);
      JsonObject reply = hear();
      if (!reply.has("accepted")) break;
      done++;
      if (System.nanoTime() >= end) {
        say("ok", "id", id, "n", done, "hold", mine.name, "token", mine.token);
        return;
      }
      Thread.sleep(Math.min(50, ms / 2));
    }
    say("ok", "id", id, "n", done, "hold", mine.name, "token", mine.token, "text", "lost");
  }

  static void release(long id) throws Exception {
    Hold mine;
    synchronized (Participant.class) { mine = held; held = null; }
    if (mine == null) { say("fail", "id", id, "error", "not held"); return; }
    left.add(mine.lock);
    clean();
    say("ok", "id", id, "hold", mine.name, "token", mine.token);
  }

  static void list(long id) throws Exception {
    client.sync().forPath("/");
    List<String> nodes = client.checkExists().forPath("/lock") == null ? List.of() : client.getChildren().forPath("/lock");
    say("ok", "id", id, "n", nodes.size(), "text", nodes.stream().sorted().collect(Collectors.joining(" ")));
  }

  public static void main(String[] args) throws Exception {
    JsonObject hello = hear().getAsJsonObject("hello");
    incarnation = hello.get("node").getAsString() + "." + hello.get("incarnation").getAsInt();
    for (JsonElement s : hello.getAsJsonArray("servers"))
      names.put(s.getAsJsonObject().get("address").getAsString(), s.getAsJsonObject().get("name").getAsString());
    String session = hello.getAsJsonObject("spec").getAsJsonObject("timing").get("session").getAsString();
    double timeout = session.endsWith("ms") ? Double.parseDouble(session.replace("ms", "")) : 1000 * Double.parseDouble(session.replace("s", ""));
    client = CuratorFrameworkFactory.newClient(String.join(",", names.keySet()), (int) timeout, 5000, new RetryForever(50));
    client.getConnectionStateListenable().addListener((c, state) -> believe(state.isConnected(), state.name().equals("LOST")));
    client.start();
    client.blockUntilConnected();
    say("ready");
    while (true) {
      JsonObject op = hear();
      long id = number(op, "id");
      try {
        switch (op.get("f").getAsString()) {
          case "acquire" -> acquire(id);
          case "work" -> work(id, number(op, "n"));
          case "release" -> release(id);
          case "list" -> list(id);
          default -> say("fail", "id", id, "error", "no such op");
        }
      } catch (Exception e) { // what the library gave up on may have happened
        say("info", "id", id, "error", e);
      }
    }
  }
}
