import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import org.apache.catalina.tribes.tipis.ReplicatedMapEntry;

/** A list of words in a replicated map; a difference is the words at its end, as one String in an object stream. */
public class Words implements ReplicatedMapEntry {
    private static final long serialVersionUID = 1L;
    private String text;
    private transient String unsent = "";
    private transient long version;
    private transient long replicatedTime;

    Words(String text) {
        this.text = text;
    }

    synchronized void add(String word) {
        text = joined(text, word);
        unsent = joined(unsent(), word);
    }

    @Override
    public synchronized String toString() {
        return text;
    }

    /** An object that was read from a stream has no initial value. */
    private String unsent() {
        return unsent == null ? "" : unsent;
    }

    private static String joined(String words, String word) {
        return words.isEmpty() ? word : words + " " + word;
    }

    @Override
    public boolean isDirty() {
        return !unsent().isEmpty();
    }

    @Override
    public boolean isDiffable() {
        return true;
    }

    @Override
    public synchronized byte[] getDiff() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream stream = new ObjectOutputStream(bytes)) {
            stream.writeObject(unsent());
        }
        return bytes.toByteArray();
    }

    @Override
    public synchronized void applyDiff(byte[] diff, int offset, int length) throws IOException, ClassNotFoundException {
        ByteArrayInputStream bytes = new ByteArrayInputStream(diff, offset, length);
        try (ObjectInputStream stream = new ObjectInputStream(bytes)) {
            text = joined(text, (String) stream.readObject());
        }
    }

    @Override
    public void resetDiff() {
        unsent = "";
    }

    @Override
    public void lock() {
    }

    @Override
    public void unlock() {
    }

    @Override
    public void setOwner(Object owner) {
    }

    @Override
    public long getVersion() {
        return version;
    }

    @Override
    public void setVersion(long version) {
        this.version = version;
    }

    @Override
    public long getLastTimeReplicated() {
        return replicatedTime;
    }

    @Override
    public void setLastTimeReplicated(long time) {
        replicatedTime = time;
    }

    @Override
    public boolean isAccessReplicate() {
        return false;
    }

    @Override
    public void accessEntry() {
    }
}
