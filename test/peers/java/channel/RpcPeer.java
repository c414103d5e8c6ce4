import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.stream.Collectors;
import org.apache.catalina.tribes.Channel;
import org.apache.catalina.tribes.Member;
import org.apache.catalina.tribes.group.ExtendedRpcCallback;
import org.apache.catalina.tribes.group.GroupChannel;
import org.apache.catalina.tribes.group.Response;
import org.apache.catalina.tribes.group.RpcChannel;
import org.apache.catalina.tribes.membership.MemberImpl;
import org.apache.catalina.tribes.transport.nio.NioReceiver;

/**
 * An RpcChannel of Tribes without a membership service. Arguments: address, port, its RPC id, and members as ADDRESS=UNIQUE-ID-IN-HEX.
 *
 * A request gets "NAME: REQUEST" as its reply, where NAME is the address; "nothing" gets null; "wait MS" gets its reply that much later.
 *
 * Lines in: "call MODE OPTIONS TIMEOUT TEXT", to all members; the text "nobody" goes to an RPC id that only this program has. Lines
 * out: "started", "answers TEXT|TEXT" for each call, "late TEXT" for a reply that nobody waits for, "replied TEXT" when one has gone out.
 */
public class RpcPeer {
    public static void main(String[] args) throws Exception {
        int port = Integer.parseInt(args[1]);
        GroupChannel channel = new GroupChannel();
        NioReceiver receiver = (NioReceiver) channel.getChannelReceiver();
        receiver.setAddress(args[0]);
        receiver.setPort(port);
        receiver.setAutoBind(1);
        channel.setJmxEnabled(false);
        RpcChannel rpc = new RpcChannel(args[2].getBytes(StandardCharsets.ISO_8859_1), channel, new Answering(args[0]));
        RpcChannel alone = new RpcChannel("alone".getBytes(StandardCharsets.ISO_8859_1), channel, new Answering(args[0]));
        channel.start(Channel.SND_RX_SEQ | Channel.SND_TX_SEQ);
        Member[] members = new Member[args.length - 3];
        for (int index = 0; index < members.length; index++) {
            String[] parts = args[index + 3].split("=");
            MemberImpl member = new MemberImpl(parts[0], port, 0);
            member.setUniqueId(HexFormat.of().parseHex(parts[1]));
            members[index] = member;
        }
        say("started");
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            String[] words = line.split(" ", 5);
            RpcChannel used = words[4].equals("nobody") ? alone : rpc;
            Response[] responses = used.send(
                members,
                words[4],
                Integer.parseInt(words[1]),
                Integer.parseInt(words[2]),
                Long.parseLong(words[3])
            );
            say("answers " + Arrays.stream(responses).map(one -> String.valueOf(one.getMessage())).sorted().collect(Collectors.joining("|")));
        }
        System.exit(0);
    }

    private static final class Answering implements ExtendedRpcCallback {
        private final String name;

        Answering(String name) {
            this.name = name;
        }

        @Override
        public Serializable replyRequest(Serializable message, Member sender) {
            String request = (String) message;
            if (request.equals("nothing")) return null;
            if (request.startsWith("wait ")) pause(Long.parseLong(request.substring(5)));
            return name + ": " + request;
        }

        @Override
        public void leftOver(Serializable message, Member sender) {
            say("late " + message);
        }

        @Override
        public void replyFailed(Serializable request, Serializable response, Member sender, Exception reason) {
            say("failed " + response);
        }

        @Override
        public void replySucceeded(Serializable request, Serializable response, Member sender) {
            say("replied " + response);
        }
    }

    private static void pause(long ms) {
        try {
            Thread.sleep(ms);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static synchronized void say(String line) {
        System.out.println(line);
        System.out.flush();
    }
}
