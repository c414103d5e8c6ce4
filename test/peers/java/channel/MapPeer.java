import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.apache.catalina.tribes.Channel;
import org.apache.catalina.tribes.Member;
import org.apache.catalina.tribes.group.GroupChannel;
import org.apache.catalina.tribes.group.interceptors.MessageDispatchInterceptor;
import org.apache.catalina.tribes.group.interceptors.TcpFailureDetector;
import org.apache.catalina.tribes.membership.cloud.CloudMembershipService;
import org.apache.catalina.tribes.tipis.AbstractReplicatedMap;
import org.apache.catalina.tribes.tipis.AbstractReplicatedMap.MapEntry;
import org.apache.catalina.tribes.tipis.AbstractReplicatedMap.MapOwner;
import org.apache.catalina.tribes.tipis.LazyReplicatedMap;
import org.apache.catalina.tribes.tipis.ReplicatedMap;
import org.apache.catalina.tribes.transport.nio.NioReceiver;

/**
 * A replicated map of Tribes in a group that DNS lists. Arguments: address, port, "lazy" or "replicated", name of the map, how many
 * members are there already: a map that starts before its channel knows them would start empty.
 *
 * Lines in: "put KEY WORDS", "add KEY WORD" (and tells the others), "remove KEY", "get KEY" as a user does, "entry KEY" as it is here,
 * "members", "stop". Lines out: "started", and an answer to each line: "answer TEXT".
 */
public class MapPeer {
    public static void main(String[] args) throws Exception {
        GroupChannel channel = new GroupChannel();
        NioReceiver receiver = (NioReceiver) channel.getChannelReceiver();
        receiver.setAddress(args[0]);
        receiver.setPort(Integer.parseInt(args[1]));
        receiver.setAutoBind(1);
        CloudMembershipService membership = new CloudMembershipService();
        membership.setMembershipProviderClassName("dns");
        membership.setExpirationTime(5000);
        channel.setMembershipService(membership);
        channel.setJmxEnabled(false);
        channel.setHeartbeatSleeptime(500);
        channel.addInterceptor(new TcpFailureDetector());
        channel.addInterceptor(new MessageDispatchInterceptor());
        channel.start(Channel.DEFAULT);
        int others = Integer.parseInt(args[4]);
        while (channel.getMembers().length < others) Thread.sleep(10);
        MapOwner owner = (key, value) -> {};
        ClassLoader[] loaders = { MapPeer.class.getClassLoader() };
        AbstractReplicatedMap<String, Words> map = args[2].equals("lazy")
            ? new LazyReplicatedMap<>(owner, channel, 5000, args[3], loaders)
            : new ReplicatedMap<>(owner, channel, 5000, args[3], loaders);
        map.setChannelSendOptions(Channel.SEND_OPTIONS_USE_ACK | Channel.SEND_OPTIONS_SYNCHRONIZED_ACK);
        say("started");
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            String[] words = line.split(" ", 3);
            if (words[0].equals("stop")) {
                map.breakdown();
                channel.stop(Channel.DEFAULT);
                say("answer stopped");
                System.exit(0);
            }
            say("answer " + answer(map, words));
        }
        System.exit(0);
    }

    private static String answer(AbstractReplicatedMap<String, Words> map, String[] words) {
        switch (words[0]) {
            case "put":
                map.put(words[1], new Words(words[2]));
                return "put";
            case "add":
                map.get(words[1]).add(words[2]);
                map.replicate(words[1], false);
                return "added";
            case "remove":
                return String.valueOf(map.remove(words[1]));
            case "get":
                return String.valueOf(map.get(words[1]));
            case "entry":
                return entry(map.getInternal(words[1]));
            case "members":
                return names(map.getMapMembers());
            default:
                throw new IllegalArgumentException(words[0]);
        }
    }

    /** As in test/support/map-group.ts; what became a proxy keeps its old value, which nobody looks at. */
    private static String entry(MapEntry<String, Words> entry) {
        if (entry == null) return "nothing";
        String kind = entry.isProxy() ? "Proxy" : entry.isBackup() ? "Backup" : entry.isCopy() ? "Copy" : "Primary";
        String primary = entry.getPrimary() == null ? "nobody" : name(entry.getPrimary());
        String value = entry.isProxy() || entry.getValue() == null ? "" : ": " + entry.getValue();
        return kind + " of " + primary + " [" + names(entry.getBackupNodes()) + "]" + value;
    }

    private static String names(Member[] members) {
        List<String> names = new ArrayList<>();
        if (members != null) Arrays.stream(members).forEach(member -> names.add(name(member)));
        Collections.sort(names);
        return String.join(",", names);
    }

    private static String name(Member member) {
        return Integer.toString(member.getHost()[3] & 0xff);
    }

    private static synchronized void say(String line) {
        System.out.println(line);
        System.out.flush();
    }
}
