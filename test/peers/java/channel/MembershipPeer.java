import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.apache.catalina.tribes.ByteMessage;
import org.apache.catalina.tribes.Channel;
import org.apache.catalina.tribes.ChannelException;
import org.apache.catalina.tribes.ChannelInterceptor;
import org.apache.catalina.tribes.ChannelListener;
import org.apache.catalina.tribes.Member;
import org.apache.catalina.tribes.MembershipListener;
import org.apache.catalina.tribes.MembershipService;
import org.apache.catalina.tribes.group.GroupChannel;
import org.apache.catalina.tribes.group.interceptors.MessageDispatchInterceptor;
import org.apache.catalina.tribes.group.interceptors.NonBlockingCoordinator;
import org.apache.catalina.tribes.group.interceptors.SimpleCoordinator;
import org.apache.catalina.tribes.group.interceptors.StaticMembershipInterceptor;
import org.apache.catalina.tribes.group.interceptors.TcpFailureDetector;
import org.apache.catalina.tribes.group.interceptors.TcpPingInterceptor;
import org.apache.catalina.tribes.membership.McastService;
import org.apache.catalina.tribes.membership.StaticMember;
import org.apache.catalina.tribes.membership.StaticMembershipService;
import org.apache.catalina.tribes.transport.nio.NioReceiver;
import org.apache.tomcat.util.IntrospectionUtils;

/**
 * A channel of Tribes with a membership of its own. Arguments: address, port, and the membership: "StaticMembershipService" or "McastService"
 * with attributes, "McastService,bind=127.0.0.1", or "StaticMembershipInterceptor", which is the only one then; after it "payload=TEXT" or
 * configured members, "member,host=10.0.0.1,port=4000"; the local one is "localMember,host=…".
 *
 * Before the membership there may be "NonBlockingCoordinator" or "SimpleCoordinator", for the top of the stack.
 *
 * Lines in: "send OPTIONS TEXT", to all members, "view", and "stop". Lines out: "started", "added ADDRESS DOMAIN PAYLOAD", "disappeared ADDRESS",
 * "received TEXT", for each send "sent" or "failed", for each view "view ADDRESS ADDRESS …", its leader first, "stopped".
 */
public class MembershipPeer {
    public static void main(String[] all) throws Exception {
        boolean coordinated = all[2].endsWith("Coordinator");
        String[] args = coordinated ? without(all, 2) : all;
        GroupChannel channel = new GroupChannel();
        NioReceiver receiver = (NioReceiver) channel.getChannelReceiver();
        receiver.setAddress(args[0]);
        receiver.setPort(Integer.parseInt(args[1]));
        receiver.setAutoBind(1);
        channel.setJmxEnabled(false);
        channel.setName("shop-Channel");
        channel.setHeartbeatSleeptime(500);
        ChannelInterceptor coordinator = coordinated ? coordinator(all[2]) : null;
        if (coordinated) channel.addInterceptor(coordinator);
        channel.addInterceptor(new MessageDispatchInterceptor());
        int services = Channel.DEFAULT;
        if (args[2].equals("StaticMembershipInterceptor")) {
            StaticMembershipInterceptor members = new StaticMembershipInterceptor();
            for (int index = 3; index < args.length; index++) {
                if (args[index].startsWith("localMember,")) members.setLocalMember(member(args[index]));
                else members.addStaticMember(member(args[index]));
            }
            channel.addInterceptor(new TcpPingInterceptor());
            channel.addInterceptor(new TcpFailureDetector());
            channel.addInterceptor(members);
            services = Channel.SND_RX_SEQ | Channel.SND_TX_SEQ;
        } else {
            channel.addInterceptor(new TcpFailureDetector());
            channel.setMembershipService(membership(args));
        }
        channel.addMembershipListener(new MembershipListener() {
            @Override
            public void memberAdded(Member member) {
                say("added " + addressOf(member) + " " + text(member.getDomain()) + " " + text(member.getPayload()));
            }

            @Override
            public void memberDisappeared(Member member) {
                say("disappeared " + addressOf(member));
            }
        });
        channel.addChannelListener(new ChannelListener() {
            @Override
            public boolean accept(Serializable message, Member sender) {
                return message instanceof ByteMessage;
            }

            @Override
            public void messageReceived(Serializable message, Member sender) {
                say("received " + text(((ByteMessage) message).getMessage()));
            }
        });
        channel.start(services);
        say("started");
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        for (String line = commands.readLine(); line != null && !line.equals("stop"); line = commands.readLine()) {
            if (line.equals("view")) {
                sayView(coordinator);
                continue;
            }
            String[] words = line.split(" ");
            try {
                channel.send(channel.getMembers(), new ByteMessage(words[2].getBytes(StandardCharsets.ISO_8859_1)), Integer.parseInt(words[1]));
                say("sent");
            } catch (ChannelException failure) {
                say("failed");
            }
        }
        channel.stop(services);
        say("stopped");
        System.exit(0);
    }

    private static ChannelInterceptor coordinator(String name) {
        return name.equals("SimpleCoordinator") ? new SimpleCoordinator() : new NonBlockingCoordinator();
    }

    private static void sayView(ChannelInterceptor coordinator) {
        Member[] view = coordinator instanceof SimpleCoordinator simple ? simple.getView() : ((NonBlockingCoordinator) coordinator).getView();
        StringBuilder line = new StringBuilder("view");
        if (view != null) for (Member member : view) line.append(' ').append(addressOf(member));
        say(line.toString());
    }

    private static String[] without(String[] all, int index) {
        String[] rest = new String[all.length - 1];
        System.arraycopy(all, 0, rest, 0, index);
        System.arraycopy(all, index + 1, rest, index, rest.length - index);
        return rest;
    }

    private static MembershipService membership(String[] args) throws Exception {
        Class<?> type = Class.forName("org.apache.catalina.tribes.membership." + args[2].split(",")[0]);
        MembershipService membership = (MembershipService) type.getConstructor().newInstance();
        set(membership, args[2]);
        for (int index = 3; index < args.length; index++) {
            if (args[index].startsWith("payload=")) membership.setPayload(args[index].substring(8).getBytes(StandardCharsets.ISO_8859_1));
            else if (args[index].startsWith("localMember,")) ((StaticMembershipService) membership).setLocalMember(member(args[index]));
            else ((StaticMembershipService) membership).addStaticMember(member(args[index]));
        }
        return membership;
    }

    /** Its id may be in hex: commas are what separates attributes. */
    private static StaticMember member(String described) {
        StaticMember member = new StaticMember();
        for (String attribute : described.split(",")) {
            String[] parts = attribute.split("=");
            if (parts[0].equals("uniqueId")) member.setUniqueId(HexFormat.of().parseHex(parts[1]));
            else if (parts.length == 2) IntrospectionUtils.setProperty(member, parts[0], parts[1]);
        }
        return member;
    }

    private static void set(Object part, String described) {
        String[] parts = described.split(",");
        for (int index = 1; index < parts.length; index++) {
            String[] attribute = parts[index].split("=");
            if (!IntrospectionUtils.setProperty(part, attribute[0], attribute[1])) throw new IllegalArgumentException(parts[index]);
        }
    }

    private static String addressOf(Member member) {
        byte[] host = member.getHost();
        return (host[0] & 255) + "." + (host[1] & 255) + "." + (host[2] & 255) + "." + (host[3] & 255);
    }

    private static String text(byte[] bytes) {
        return bytes.length == 0 ? "-" : new String(bytes, StandardCharsets.ISO_8859_1);
    }

    private static synchronized void say(String line) {
        System.out.println(line);
        System.out.flush();
    }
}
