import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.catalina.tribes.ByteMessage;
import org.apache.catalina.tribes.Channel;
import org.apache.catalina.tribes.ChannelListener;
import org.apache.catalina.tribes.Member;
import org.apache.catalina.tribes.group.GroupChannel;
import org.apache.catalina.tribes.group.interceptors.MessageDispatchInterceptor;
import org.apache.catalina.tribes.group.interceptors.TcpFailureDetector;
import org.apache.catalina.tribes.membership.MemberImpl;
import org.apache.catalina.tribes.transport.nio.NioReceiver;

/**
 * For npm run bench:channel. Arguments: "sender" or "receivers", port, UDP port, and as ADDRESS=UNIQUE-ID-IN-HEX the sender and the
 * receivers. Lines in and out: see test/bench/channel-process.ts.
 */
public class BenchPeer {
    private static final AtomicLong COUNT = new AtomicLong();
    private static volatile long lastMs;

    public static void main(String[] args) throws Exception {
        int port = Integer.parseInt(args[1]);
        int udpPort = Integer.parseInt(args[2]);
        boolean sends = args[0].equals("sender");
        List<Member> members = new ArrayList<>();
        for (int index = 4; index < args.length; index++) {
            String[] parts = args[index].split("=");
            MemberImpl member = new MemberImpl(parts[0], port, 0);
            member.setUniqueId(HexFormat.of().parseHex(parts[1]));
            member.setUdpPort(udpPort);
            members.add(member);
        }
        GroupChannel channel = null;
        for (int index = sends ? 3 : 4; index < (sends ? 4 : args.length); index++) {
            channel = start(args[index].split("=")[0], port, udpPort);
        }
        say("started " + ProcessHandle.current().pid());
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            String[] words = line.split(" ");
            if (words[0].equals("reset")) COUNT.set(0);
            if (words[0].equals("count")) say("count " + COUNT.get() + " " + lastMs);
            if (words[0].equals("run")) run(channel, members, words);
        }
        System.exit(0);
    }

    private static GroupChannel start(String address, int port, int udpPort) throws Exception {
        GroupChannel channel = new GroupChannel();
        NioReceiver receiver = (NioReceiver) channel.getChannelReceiver();
        receiver.setAddress(address);
        receiver.setPort(port);
        receiver.setUdpPort(udpPort);
        receiver.setAutoBind(1);
        channel.setJmxEnabled(false);
        channel.addInterceptor(new MessageDispatchInterceptor());
        channel.addInterceptor(new TcpFailureDetector());
        channel.addChannelListener(new ChannelListener() {
            @Override
            public boolean accept(Serializable message, Member sender) {
                return message instanceof ByteMessage;
            }

            @Override
            public void messageReceived(Serializable message, Member sender) {
                COUNT.incrementAndGet();
                lastMs = System.currentTimeMillis();
            }
        });
        channel.start(Channel.SND_RX_SEQ | Channel.SND_TX_SEQ);
        return channel;
    }

    private static void run(GroupChannel channel, List<Member> members, String[] words) throws Exception {
        int options = Integer.parseInt(words[1]);
        ByteMessage message = new ByteMessage(new byte[Integer.parseInt(words[2])]);
        Member[] destinations = members.subList(0, Integer.parseInt(words[3])).toArray(new Member[0]);
        long durationNanos = Long.parseLong(words[4]) * 1_000_000L;
        long startMs = System.currentTimeMillis();
        long startNanos = System.nanoTime();
        long[] nanos = new long[1 << 16];
        int messages = 0;
        int failures = 0;
        while (System.nanoTime() - startNanos < durationNanos) {
            long sentNanos = System.nanoTime();
            try {
                channel.send(destinations, message, options);
            } catch (Exception failure) {
                failures++;
                continue;
            }
            if (messages == nanos.length) nanos = Arrays.copyOf(nanos, 2 * nanos.length);
            nanos[messages++] = System.nanoTime() - sentNanos;
        }
        Arrays.sort(nanos, 0, messages);
        long p99 = messages == 0 ? 0 : nanos[(int) ((messages - 1) * 0.99)];
        say("ran " + messages + " " + failures + " " + startMs + " " + p99 / 1000);
    }

    private static synchronized void say(String line) {
        System.out.println(line);
        System.out.flush();
    }
}
