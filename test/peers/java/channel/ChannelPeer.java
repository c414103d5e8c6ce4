import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.zip.CRC32;
import org.apache.catalina.tribes.ByteMessage;
import org.apache.catalina.tribes.Channel;
import org.apache.catalina.tribes.ChannelException;
import org.apache.catalina.tribes.ChannelInterceptor;
import org.apache.catalina.tribes.ChannelListener;
import org.apache.catalina.tribes.Member;
import org.apache.catalina.tribes.group.GroupChannel;
import org.apache.catalina.tribes.membership.MemberImpl;
import org.apache.catalina.tribes.transport.nio.NioReceiver;
import org.apache.tomcat.util.IntrospectionUtils;

/**
 * A channel of Tribes that knows one member, without a membership service. Arguments: address, port, the member's address, its unique
 * id in hex, UDP port of both or -1, and interceptors, top first: "GzipInterceptor,compressionMinSize=10".
 *
 * Lines in: "send OPTIONS SEED LENGTH". Lines out: "started", "received LENGTH CRC" for each message, and for each send "sent" or
 * "failed CAUSE". A message is LENGTH letters that SEED chooses; one of 61313 letters is refused when it has been told.
 */
public class ChannelPeer {
    public static void main(String[] args) throws Exception {
        int port = Integer.parseInt(args[1]);
        GroupChannel channel = new GroupChannel();
        NioReceiver receiver = (NioReceiver) channel.getChannelReceiver();
        receiver.setAddress(args[0]);
        receiver.setPort(port);
        receiver.setAutoBind(1);
        int udpPort = Integer.parseInt(args[4]);
        receiver.setUdpPort(udpPort);
        channel.setJmxEnabled(false);
        for (int index = 5; index < args.length; index++) channel.addInterceptor(interceptor(args[index]));
        channel.addChannelListener(new ChannelListener() {
            @Override
            public boolean accept(Serializable message, Member sender) {
                return message instanceof ByteMessage;
            }

            @Override
            public void messageReceived(Serializable message, Member sender) {
                byte[] body = ((ByteMessage) message).getMessage();
                CRC32 checksum = new CRC32();
                checksum.update(body);
                say("received " + body.length + " " + checksum.getValue());
                if (body.length == 61313) throw new IllegalArgumentException("refused as the test wants it");
            }
        });
        channel.start(Channel.SND_RX_SEQ | Channel.SND_TX_SEQ);
        MemberImpl peer = new MemberImpl(args[2], port, 0);
        peer.setUniqueId(HexFormat.of().parseHex(args[3]));
        peer.setUdpPort(udpPort);
        say("started");
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            String[] words = line.split(" ");
            byte[] body = letters(Integer.parseInt(words[2]), Integer.parseInt(words[3]));
            try {
                channel.send(new Member[] { peer }, new ByteMessage(body), Integer.parseInt(words[1]));
                say("sent");
            } catch (ChannelException failure) {
                ChannelException.FaultyMember[] faulty = failure.getFaultyMembers();
                say("failed " + (faulty.length == 0 ? failure.getMessage() : faulty[0].getCause().getClass().getSimpleName()));
            }
        }
        channel.stop(Channel.SND_RX_SEQ | Channel.SND_TX_SEQ);
        System.exit(0);
    }

    private static ChannelInterceptor interceptor(String described) throws Exception {
        String[] parts = described.split(",");
        Class<?> type = Class.forName("org.apache.catalina.tribes.group.interceptors." + parts[0]);
        ChannelInterceptor interceptor = (ChannelInterceptor) type.getConstructor().newInstance();
        for (int index = 1; index < parts.length; index++) {
            String[] attribute = parts[index].split("=");
            if (!IntrospectionUtils.setProperty(interceptor, attribute[0], attribute[1])) {
                throw new IllegalArgumentException(parts[index]);
            }
        }
        return interceptor;
    }

    /** The same as in test/support/java-channel.ts. */
    private static byte[] letters(int seed, int length) {
        byte[] letters = new byte[length];
        for (int index = 0; index < length; index++) letters[index] = (byte) ('a' + (seed + index * (index % 7)) % 26);
        return letters;
    }

    private static synchronized void say(String line) {
        System.out.println(line);
        System.out.flush();
    }
}
